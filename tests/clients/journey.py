"""The same journey with Python's grpcio, which learns the types by reflection."""

import sys
import uuid

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

address, email, password = sys.argv[1:4]
channel = grpc.insecure_channel(address)
pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
token = None


def call(service, method, **fields):
    described = pool.FindServiceByName(service).FindMethodByName(method)
    request = message_factory.GetMessageClass(described.input_type)(**fields)
    answer = message_factory.GetMessageClass(described.output_type)
    kind = channel.unary_stream if described.server_streaming else channel.unary_unary
    stub = kind(
        f"/{service}/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    metadata = [("authorization", f"Bearer {token}")] if token else []
    return stub(request, metadata=metadata, timeout=10)


def refusal(service, method, **fields):
    try:
        call(service, method, **fields)
    except grpc.RpcError as error:
        details = {}
        for packed in rpc_status.from_call(error).details:
            for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RequestInfo):
                if packed.Is(kind.DESCRIPTOR):
                    details[kind.DESCRIPTOR.name] = kind.FromString(packed.value)
        return error.code(), details
    raise AssertionError(f"{method} was not refused")


SESSIONS, LEADS = "devsphere.identity.v1.SessionService", "devsphere.crm.v1.LeadService"
token = call(SESSIONS, "SignIn", email=email, password=password).access_token

new = dict(lead=dict(display_name="Jon Snow", company="Wall", email="jon@wall.example"), request_id=str(uuid.uuid4()))
lead = call(LEADS, "CreateLead", **new)
assert call(LEADS, "CreateLead", **new) == lead, "a repeated request id gets the same answer"
code, details = refusal(LEADS, "CreateLead", **{**new, "lead": dict(display_name="Other")})
assert details["ErrorInfo"].metadata["cause"] == "request_id_reused", details

found = call(LEADS, "ListLeads", filter='email = "jon@wall.example" AND state = new', include_total=True)
assert [one.lead_id for one in found.leads] == [lead.lead_id] and found.total_size == 1

seen, page = [], ""
while True:
    answer = call(LEADS, "ListLeads", page_size=7, page_token=page, order_by="display_name")
    seen += [one.lead_id for one in answer.leads]
    page = answer.next_page_token
    if not page:
        break
assert len(seen) == len(set(seen)) > 20, "every lead once"

change = dict(lead_id=lead.lead_id, note="changed", etag=lead.etag)
mask = {"paths": ["note"]}
updated = call(LEADS, "UpdateLead", lead=change, update_mask=mask)
code, details = refusal(LEADS, "UpdateLead", lead=change, update_mask=mask)
assert code == grpc.StatusCode.ABORTED
assert details["ErrorInfo"].metadata["etag"] == updated.etag

won = call(LEADS, "WinLead", lead_id=lead.lead_id, etag=updated.etag)
states = won.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number
assert states[won.state].name == "LEAD_STATE_WON", won
code, details = refusal(LEADS, "WinLead", lead_id=lead.lead_id)
assert code == grpc.StatusCode.FAILED_PRECONDITION and details["ErrorInfo"].reason == "BAD_TRANSITION"
assert "undo_win" in details["ErrorInfo"].metadata["allowed"].split(","), details

pieces = list(call(LEADS, "ExportLeads", filter='email = "jon@wall.example"'))
assert sum(piece.row_count for piece in pieces) == 1
assert b"jon@wall.example" in b"".join(piece.csv for piece in pieces)

code, details = refusal(LEADS, "CreateLead", lead=dict(display_name="x", email="no", phone="no", website="no"))
assert code == grpc.StatusCode.INVALID_ARGUMENT
fields = [violation.field for violation in details["BadRequest"].field_violations]
assert fields == ["lead.email", "lead.phone", "lead.website"], fields
assert all(violation.description for violation in details["BadRequest"].field_violations)
assert uuid.UUID(details["RequestInfo"].request_id)
print("the journey is done")
