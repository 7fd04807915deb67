"""A map service on 127.0.0.1, and answers in the forms that AMap, Baidu, Tencent and Nominatim document."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "key-that-nobody-may-see"


class MapService:
    """Answers every question as it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.body: bytes = b"{}"
        self.status = 200
        self.hangs = threading.Event()
        self.hangs.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                outer.asked.append((parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()}))
                outer.hangs.wait(30)
                with suppress(ConnectionError):  # who asked has gone
                    self.send_response(outer.status)
                    self.send_header("Content-Type", "application/json; charset=utf-8")
                    self.send_header("Content-Length", str(len(outer.body)))
                    self.end_headers()
                    self.wfile.write(outer.body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.domain = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def says(self, answer: Any, status: int = 200) -> None:
        """From now on this is the answer: bytes as they are, anything else as JSON."""
        self.body = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
        self.status = status

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Answers nothing meanwhile."""
        self.hangs.clear()
        yield
        self.hangs.set()

    def stop(self) -> None:
        """No connection is taken any more."""
        self.hangs.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def amap(
    level: str = "门牌号", location: str = "126.620000,45.700000", city: str | list[str] = "哈尔滨市"
) -> dict[str, Any]:
    """AMap's answer to a geocode; what is empty is a list there."""
    return {
        "status": "1", "info": "OK", "infocode": "10000", "count": "1",
        "geocodes": [{
            "formatted_address": "黑龙江省哈尔滨市南岗区学府路123号", "country": "中国", "province": "黑龙江省",
            "citycode": "0451", "city": city, "district": "南岗区", "township": [],
            "neighborhood": {"name": [], "type": []}, "building": {"name": [], "type": []}, "adcode": "230103",
            "street": "学府路", "number": "123号", "location": location, "level": level,
        }],
    }


AMAP_NOTHING = {"status": "1", "info": "OK", "infocode": "10000", "count": "0", "geocodes": []}
AMAP_REVERSE = {
    "status": "1", "info": "OK", "infocode": "10000",
    "regeocode": {
        "formatted_address": "黑龙江省哈尔滨市南岗区学府路123号绿地城",
        "addressComponent": {
            "province": "黑龙江省", "city": "哈尔滨市", "district": "南岗区", "township": "学府路街道",
            "neighborhood": {"name": [], "type": []}, "building": {"name": [], "type": []},
            "streetNumber": {
                "street": "学府路", "number": "123号", "location": "126.62,45.7", "direction": "东", "distance": "12",
            },
        },
    },
}


def amap_error(code: str, info: str) -> dict[str, Any]:
    """AMap's refusal."""
    return {"status": "0", "info": info, "infocode": code}


def baidu(level: str = "门址", precise: int = 1, confidence: int = 80) -> dict[str, Any]:
    """Baidu's answer to a geocode."""
    return {
        "status": 0,
        "result": {
            "location": {"lng": 126.63, "lat": 45.71}, "precise": precise, "confidence": confidence,
            "comprehension": 100, "level": level,
        },
    }


BAIDU_NOTHING = {"status": 1, "msg": "Internal Service Error:无相关结果", "results": []}
BAIDU_REVERSE = {
    "status": 0,
    "result": {
        "location": {"lng": 126.63, "lat": 45.71}, "formatted_address": "黑龙江省哈尔滨市南岗区学府路123号",
        "business": "学府路", "addressComponent": {"province": "黑龙江省", "city": "哈尔滨市"},
    },
}


def tencent(level: int = 10, reliability: int = 7, city: str = "哈尔滨市") -> dict[str, Any]:
    """Tencent's answer to a geocode."""
    return {
        "status": 0, "message": "query ok",
        "result": {
            "title": "学府路123号", "location": {"lng": 126.62, "lat": 45.7}, "ad_info": {"adcode": "230103"},
            "address_components": {
                "province": "黑龙江省", "city": city, "district": "南岗区", "street": "学府路",
                "street_number": "123号",
            },
            "similarity": 0.8, "deviation": 1000, "reliability": reliability, "level": level,
        },
    }


TENCENT_NOTHING = {"status": 347, "message": "查询无结果"}
TENCENT_REVERSE = {
    "status": 0, "message": "query ok",
    "result": {
        "location": {"lat": 45.7, "lng": 126.62}, "address": "黑龙江省哈尔滨市南岗区学府路123号",
        "address_component": {},
    },
}


def nominatim(kind: str = "building", type: str = "apartments") -> list[dict[str, Any]]:
    """Nominatim's answer to a search."""
    return [{
        "place_id": 1, "licence": "Data © OpenStreetMap contributors, ODbL 1.0", "osm_type": "way", "osm_id": 2,
        "lat": "45.6980000", "lon": "126.6140000", "class": kind, "type": type, "place_rank": 30, "importance": 0.1,
        "addresstype": kind, "name": "绿地城", "display_name": "绿地城, 学府路, 南岗区, 哈尔滨市, 黑龙江省, 中国",
        "boundingbox": ["45.697", "45.699", "126.613", "126.615"],
    }]
