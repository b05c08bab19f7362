// A mesh in memory that answers as a test says, for the client's own behaviour.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  createRouterTransport,
  type ServiceImpl,
  type Transport,
} from "@connectrpc/connect";
import { LeadService } from "../gen/devsphere/crm/v1/lead_service_pb.js";
import { type Grant, GrantSchema } from "../gen/devsphere/identity/v1/session_pb.js";
import { RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { patient, type Tokens } from "../src/calls.js";

export const PATIENCE = { timeoutMs: 2_000, streamTimeoutMs: 2_000, attempts: 3 };

/** A token that always holds. */
export const SIGNED_IN: Tokens = { token: async () => "t0", renew: async () => undefined };

/** The leads' service behind the client's own transport. */
export function mesh(leads: Partial<ServiceImpl<typeof LeadService>>, tokens = SIGNED_IN): Transport {
  const wire = createRouterTransport(({ service }) => void service(LeadService, leads));
  return patient(wire, tokens, PATIENCE, {});
}

/** A refusal that passes, and says when. */
export function busy(afterMs = 1): ConnectError {
  const retryDelay = { seconds: 0n, nanos: afterMs * 1_000_000 };
  const details = [{ desc: RetryInfoSchema, value: { retryDelay } }];
  return new ConnectError("busy", Code.Unavailable, undefined, details);
}

/** A grant whose access token lives as long as that. */
export function grant(token: string, organizationId = "north", lifeMs = 600_000): Grant {
  return create(GrantSchema, {
    accessToken: token,
    accessExpireTime: timestampFromMs(Date.now() + lifeMs),
    refreshToken: `refresh-${token}`,
    sessionId: "s1",
    person: { personId: "p1" },
    organizationId,
  });
}
