"""Which encoding bytes are in that should have been UTF-8: so that an error can name it."""

from __future__ import annotations


def looks_gbk(raw: bytes) -> bool:
    """Whether bytes that are not UTF-8 read as GBK, and not as UTF-8 with a slip.

    The common characters begin with B0 to D7 in GBK (GB 2312, rows 16 to 55), Chinese in UTF-8 with E3 to E9: read
    as GBK, it gives rare ones.
    """
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    beyond_ascii = [char for char in text if char >= "\x80"]
    common = sum(0xB0 <= char.encode("gb18030")[0] <= 0xD7 for char in beyond_ascii)
    return common > len(beyond_ascii) / 2
