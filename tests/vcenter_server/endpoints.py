"""The answer of an appliance to a request, faults included."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.vcenter_server.answers import Answer, Refusal, refusal
from tests.vcenter_server.requests import Resource
from tests.vcenter_server.shapes import Api, encode

if TYPE_CHECKING:
    from tests.vcenter_server.appliance import Appliance
    from tests.vcenter_server.requests import Asked


def answer(appliance: Appliance, asked: Asked) -> Answer:
    """Return the answer to a request."""
    given = partial(_proper, appliance, asked)
    for fault in appliance.faults(asked.resource):
        given = partial(fault, appliance, asked, given)
    return given()


def _proper(appliance: Appliance, asked: Asked) -> Answer:
    api, resource = asked.api, asked.resource
    if appliance.rest_only and api is Api.NEW:
        # Appliances with only `/rest` know no other form of an error.
        return refusal(Api.OLD, Refusal.NOT_FOUND)
    if resource is None:
        return refusal(api, Refusal.NOT_FOUND)
    if resource is Resource.LOGIN:
        token = appliance.login(asked)
        if token is None:
            return refusal(api, Refusal.UNAUTHENTICATED)
        return Answer(201 if api is Api.NEW else 200, encode(token, api))
    session = appliance.session(asked)
    if session is None:
        return refusal(api, Refusal.UNAUTHENTICATED)
    match resource:
        case Resource.LOGOUT:
            appliance.logout(asked)
            return Answer(204 if api is Api.NEW else 200)
        case Resource.SESSION:
            body = encode(session, api)
        case Resource.DETAILS:
            history = appliance.history
            body = history.details(api, history.ids(asked.jobs))
        case Resource.JOBS:
            body = encode(appliance.history.ids(), api)
        case Resource.SCHEDULES:
            body = encode(appliance.schedules, api, is_map=True)
        case Resource.VERSION:
            body = encode(appliance.version, api)
        case Resource.TIME_ZONE:
            body = encode(appliance.time_zone, api)
    return Answer(200, body)
