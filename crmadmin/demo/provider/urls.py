"""The addresses of the local OpenID provider: what one client's sign-in needs and no more."""

from django.urls import include, path
from oauth2_provider import views as oidc

from crmadmin.demo.provider import DISCOVERY, views

endpoints = [
    path(
        DISCOVERY.lstrip("/"),
        oidc.ConnectDiscoveryInfoView.as_view(),
        name="oidc-connect-discovery-info",
    ),
    path(".well-known/jwks.json", oidc.JwksInfoView.as_view(), name="jwks-info"),
    path("authorize/", views.SignIn.as_view(), name="authorize"),
    path("token/", oidc.TokenView.as_view(), name="token"),
    path("userinfo/", oidc.UserInfoView.as_view(), name="user-info"),
    path("logout/", views.SignOut.as_view(), name="rp-initiated-logout"),
]
urlpatterns = [
    path("", views.home),
    path("", include((endpoints, "oauth2_provider"))),  # the library looks them up by this name
]
