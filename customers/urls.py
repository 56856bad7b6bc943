"""The addresses of customers and of the log. A customer's number is all a URL ever holds of one."""

from django.urls import path

from customers.views import (
    activity,
    change,
    create,
    edit,
    export,
    find,
    forget,
    group,
    integrity,
    log,
    looks,
    markets,
    profile,
    proof,
    reason,
    report,
    reveal,
    revert,
    saves,
    shortcuts,
    undo,
)

_CUSTOMER = "customers/<str:customer_id>/"
_FIELD = f"{_CUSTOMER}fields/<str:name>/"
_CHANGE = "audit/changes/<uuid:change_id>/"

urlpatterns = [
    path("", find.find, name="find"),
    path("customers/new/", create.create, name="create"),
    path(_CUSTOMER, profile.profile, name="profile"),
    path(f"{_CUSTOMER}reason/", reason.reason, name="reason"),
    path(f"{_CUSTOMER}history/", log.history, name="history"),
    path(f"{_CUSTOMER}forget/", forget.forget, name="forget"),
    path(f"{_CUSTOMER}groups/<str:slug>/", group.edit, name="edit-group"),
    path(_FIELD, edit.edit, name="edit"),
    path(f"{_FIELD}value/", edit.value, name="value"),
    path(f"{_FIELD}reveal/", reveal.reveal, name="reveal"),
    path(f"{_FIELD}history/", log.history, name="field-history"),
    path(f"{_FIELD}changes/<uuid:change_id>/", edit.confirm, name="confirm"),
    path(f"{_CUSTOMER}changes/<uuid:change_id>/undo/", undo.undo, name="undo"),
    path("market/", markets.markets, name="markets"),
    path("saves/", saves.saves, name="saves"),
    path("shortcuts/", shortcuts.shortcuts, name="shortcuts"),
    path("audit/", log.log, name="log"),
    path("audit/views/", log.save_view, name="save-view"),
    path("audit/views/<int:number>/delete/", log.delete_view, name="delete-view"),
    path("audit/export/", export.export, name="export"),
    path("audit/export.csv", export.csv_file, name="export-csv"),
    path("audit/export.ndjson", export.ndjson_file, name="export-ndjson"),
    path("audit/looks/", looks.looks, name="looks"),
    path("audit/activity/", activity.activity, name="activity"),
    path("audit/activity/findings/", activity.findings, name="findings"),
    path("audit/report/", report.access_report, name="access-report"),
    path("audit/unsettled/", log.unsettled, name="unsettled"),
    path("audit/integrity/", integrity.integrity, name="integrity"),
    path(_CHANGE, change.change, name="change"),
    path(f"{_CHANGE}proof.ndjson", proof.proof, name="proof"),
    path(f"{_CHANGE}settle/", change.settle, name="settle"),
    path(f"{_CHANGE}revert/", revert.revert, name="revert"),
    path(f"{_CHANGE}reveal/", reveal.reveal_change, name="reveal-change"),
]
