"""The addresses of customers and of the log. A customer's number is all a URL ever holds of one."""

from django.urls import path

from customers.views import (
    change,
    create,
    edit,
    find,
    forget,
    group,
    log,
    markets,
    profile,
    reveal,
    saves,
)

urlpatterns = [
    path("", find.find, name="find"),
    path("customers/new/", create.create, name="create"),
    path("customers/<str:customer_id>/", profile.profile, name="profile"),
    path("customers/<str:customer_id>/history/", log.history, name="history"),
    path("customers/<str:customer_id>/forget/", forget.forget, name="forget"),
    path("customers/<str:customer_id>/groups/<str:slug>/", group.edit, name="edit-group"),
    path("customers/<str:customer_id>/fields/<str:name>/", edit.edit, name="edit"),
    path("customers/<str:customer_id>/fields/<str:name>/value/", edit.value, name="value"),
    path("customers/<str:customer_id>/fields/<str:name>/reveal/", reveal.reveal, name="reveal"),
    path(
        "customers/<str:customer_id>/fields/<str:name>/history/",
        log.history,
        name="field-history",
    ),
    path(
        "customers/<str:customer_id>/fields/<str:name>/changes/<uuid:change_id>/",
        edit.confirm,
        name="confirm",
    ),
    path("market/", markets.markets, name="markets"),
    path("saves/", saves.saves, name="saves"),
    path("audit/", log.log, name="log"),
    path("audit/views/", log.save_view, name="save-view"),
    path("audit/views/<int:number>/delete/", log.delete_view, name="delete-view"),
    path("audit/unsettled/", log.unsettled, name="unsettled"),
    path("audit/changes/<uuid:change_id>/", change.change, name="change"),
    path("audit/changes/<uuid:change_id>/settle/", change.settle, name="settle"),
    path(
        "audit/changes/<uuid:change_id>/reveal/",
        reveal.reveal_change,
        name="reveal-change",
    ),
]
