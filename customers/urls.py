"""The addresses of customers and of the log. A customer's number is all a URL ever holds of one."""

from django.urls import path

from customers.views import audit, customers, editing, forgetting, groups, markets, revealing

urlpatterns = [
    path("", customers.find, name="find"),
    path("customers/new/", customers.create, name="create"),
    path("customers/<str:customer_id>/", customers.profile, name="profile"),
    path("customers/<str:customer_id>/history/", audit.customer_history, name="history"),
    path("customers/<str:customer_id>/forget/", forgetting.forget, name="forget"),
    path("customers/<str:customer_id>/groups/<str:slug>/", groups.edit, name="edit-group"),
    path("customers/<str:customer_id>/fields/<str:name>/", editing.edit, name="edit"),
    path("customers/<str:customer_id>/fields/<str:name>/value/", editing.value, name="value"),
    path("customers/<str:customer_id>/fields/<str:name>/reveal/", revealing.reveal, name="reveal"),
    path(
        "customers/<str:customer_id>/fields/<str:name>/history/",
        audit.field_history,
        name="field-history",
    ),
    path(
        "customers/<str:customer_id>/fields/<str:name>/changes/<uuid:change_id>/",
        editing.confirm,
        name="confirm",
    ),
    path("market/", markets.markets, name="markets"),
    path("saves/", audit.saves, name="saves"),
    path("audit/", audit.log, name="log"),
    path("audit/unsettled/", audit.unsettled, name="unsettled"),
    path("audit/changes/<uuid:change_id>/", audit.change, name="change"),
    path("audit/changes/<uuid:change_id>/settle/", audit.settle, name="settle"),
    path(
        "audit/changes/<uuid:change_id>/reveal/",
        revealing.reveal_change,
        name="reveal-change",
    ),
]
