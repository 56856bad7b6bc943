"""A template for each language: what its tags say of constants is text once it is compiled."""

from django.template.base import Origin
from django.template.loaders import cached
from django.utils.translation import get_language


class Loader(cached.Loader):
    def cache_key(self, template_name: str, skip: list[Origin] | None = None) -> str:
        return f"{get_language()} {super().cache_key(template_name, skip)}"
