"""The product's addresses and one whose view was given no rule."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from crmadmin import urls


def forgotten(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open to all")


urlpatterns = [*urls.urlpatterns, path("forgotten/", forgotten)]
