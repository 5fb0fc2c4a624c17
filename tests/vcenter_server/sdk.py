"""VMware's official SDK as a client, over either REST protocol.

By default it speaks vAPI over JSON-RPC. `msg_protocol="rest"` makes it speak REST to any URL;
its generated bindings decide, class by class, which of the two forms of REST. Those of
sessions and of backup details use the form of `/rest`, and yet the path of a session on `/api`.
Whatever is missing for either API is set here, on the SDK's own objects.
"""

from __future__ import annotations

import decimal
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from tests.vcenter_server.requests import SESSION_HEADER, Resource
from tests.vcenter_server.shapes import Api

with warnings.catch_warnings():
    # It loads its resources through a deprecated API.
    warnings.simplefilter("ignore", DeprecationWarning)
    from com.vmware.appliance.recovery.backup.job_client import Details
    from com.vmware.cis_client import Session
    from com.vmware.vapi.std import errors_client as errors
    from vmware.vapi.bindings.converter import RestConverter, TypeConverter
    from vmware.vapi.bindings.uri_helper import URIValidator
    from vmware.vapi.data.serializers.cleanjson import DataValueConverter
    from vmware.vapi.exception import CoreException
    from vmware.vapi.lib.connect import get_requests_connector
    from vmware.vapi.security.client.security_context_filter import LegacySecurityContextFilter
    from vmware.vapi.security.session import create_session_security_context
    from vmware.vapi.security.user_password import create_user_password_security_context
    from vmware.vapi.stdlib.client.factories import StubConfigurationFactory

__all__ = ["CoreException", "Details", "Services", "connected", "errors", "is_location", "to_json"]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.vcenter_server.appliance import Appliance


class Services(NamedTuple):
    """The SDK's services of one appliance, with an open session."""

    session: Any
    details: Any


@contextmanager
def connected(
    appliance: Appliance, ca_file: Path, api: Api, password: str | None = None
) -> Iterator[Services]:
    """Log in, give the services, and log out. Raises the SDK's errors."""
    with requests.Session() as http:
        http.verify = str(ca_file)
        http.trust_env = False
        password = appliance.password if password is None else password
        basic = create_user_password_security_context(appliance.user, password)
        token = _service(Session, http, appliance, api, basic).create()
        context = create_session_security_context(token)
        if api is Api.NEW:
            # For this protocol the SDK has no session, and would refuse the context.
            http.headers[SESSION_HEADER] = token
            context = None
        services = Services(
            _service(Session, http, appliance, api, context),
            _service(Details, http, appliance, api, context),
        )
        try:
            yield services
        finally:
            services.session.delete()


def is_location(text: str) -> bool:
    """Return whether the SDK accepts a text as a location."""
    try:
        URIValidator.validate(text)
    except CoreException:
        return False
    return True


def to_json(value: Any, kind: Any) -> str:
    """Return an object of the SDK as `/api` has it, written by the SDK."""
    # Its serialization of doubles changes the precision of all decimals.
    with decimal.localcontext():
        # In the other form it is lost that maps are maps.
        data = TypeConverter.convert_to_vapi(value, kind, RestConverter.VAPI_REST)
        written: str = DataValueConverter.convert_to_json(data, new_rest=True)
        return written


def _service(
    service: Any, http: requests.Session, appliance: Appliance, api: Api, context: Any
) -> Any:
    connector = get_requests_connector(
        http,
        msg_protocol="rest",
        url=f"https://{appliance.address}{api.value}",
        provider_filter_chain=[LegacySecurityContextFilter(security_context=context)],
    )
    made = service(StubConfigurationFactory.new_std_configuration(connector))
    stub = made._api_interface
    provider = stub._api_provider.get_api_provider()
    if api is Api.NEW:
        stub._is_vapi_rest = False
        stub._rest_converter_mode = RestConverter.SWAGGER_REST
        provider.set_rest_format(is_vapi_rest=False)
    elif service is Session:
        path = str(Resource.LOGIN.paths[api]).removeprefix(api.value)
        for operation in stub._rest_metadata.values():
            operation._url_template = path
    return made
