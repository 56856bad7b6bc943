"""What a browser loads is small: files compressed and cached for good, pages compressed."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    """`collectstatic` names each file by its content; where it never ran, names stay as they are.

    `make demo`, `make run` and the image run it.
    """

    def stored_name(self, name: str) -> str:
        return super().stored_name(name) if self.hashed_files else name


class CompressedPages(GZipMiddleware):
    """Pages and fragments compressed, with padding of a random length against BREACH.

    An export goes out as it is made: how far it got is told by its bytes.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)
