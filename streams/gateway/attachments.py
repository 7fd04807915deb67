"""`GET /v1/tasks/{id}/attachments/{place}`: a picture that goes along with a task (see `streams.gateway.pictures`)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from streams.gateway.auth import Viewer
from streams.gateway.context import Here
from streams.gateway.pictures import KINDS
from streams.gateway.problems import NOT_FOUND, Problem
from streams.gateway.tasks import own_task

router = APIRouter(tags=["tasks"])


@router.get(
    "/v1/tasks/{task_id}/attachments/{place}", summary="A picture that goes along with a task",
    response_class=FileResponse, responses={200: {"content": {kind: {} for kind in sorted({*KINDS.values()})}}},
)
def read_attachment(
    task_id: str, here: Here, grant: Viewer,
    place: Annotated[int, Path(ge=1, le=100, description="Which of the script's attachments, from 1")],
    save: Annotated[bool, Query(description="As a download, under a name")] = False,
) -> Response:
    """The file, where the house or the dealer has put one; else the attachment is words, and this is 404."""
    picture = here.pictures.find(own_task(here, grant, task_id).body, place)
    if picture is None:
        raise Problem(
            NOT_FOUND, f"任务 {task_id} 的第 {place} 个附件没有文件。",
            f"Attachment {place} of task {task_id} has no file.")
    return FileResponse(
        picture.path, media_type=picture.kind, filename=picture.path.name,
        content_disposition_type="attachment" if save else "inline",
        headers={"Cache-Control": "private, max-age=3600"},
    )
