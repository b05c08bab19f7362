// Two organisations with one person in both, made through the client itself.

import { createClient, type DevsphereClient } from "@devsphere/client";
import { LeadService } from "@devsphere/client/crm/v1";
import { MemberService, Role, SessionService } from "@devsphere/client/identity/v1";

/** Where the mesh is, and the demo's people. */
export interface Given {
  readonly gateway: string;
  readonly manager: Account;
  readonly ceo: Account;
}

export interface Account {
  readonly email: string;
  readonly password: string;
}

/** The person who stands in both, the ceo of each, and what each organisation calls its leads. */
export interface Stage {
  readonly north: string;
  readonly south: string;
  readonly northCeo: DevsphereClient;
}

/** Founds the second organisation, with three leads, and takes the manager of the first in. */
export async function stage(given: Given): Promise<Stage> {
  const baseUrl = given.gateway;
  const northCeo = createClient({ baseUrl });
  const north = (await northCeo.signIn(given.ceo)).organizationId;

  const southCeo = createClient({ baseUrl });
  const founded = await southCeo.signUp({
    email: "founder@south.example",
    password: "correct horse battery staple",
    displayName: "Sam South",
    organizationDisplayName: "South",
  });
  for (const name of ["one", "two", "three"]) {
    await southCeo.service(LeadService).createLead({ lead: { displayName: `South ${name}` } });
  }
  const { email } = given.manager;
  const invited = await southCeo
    .service(MemberService)
    .createMember({ member: { email, role: Role.MANAGER, displayName: "Both" } });
  const { activationToken } = invited;
  const { password } = given.manager;
  await createClient({ baseUrl }).service(SessionService).activate({ activationToken, password });
  return { north, south: founded.organizationId, northCeo };
}

/** A role change that ends the manager's access tokens in this organisation, and nothing more. */
export async function unsettle(ceo: DevsphereClient, email: string): Promise<void> {
  const members = ceo.service(MemberService);
  const filter = `email = "${email}"`;
  const [member] = (await members.listMembers({ filter })).members;
  const { memberId } = member ?? { memberId: "" };
  for (const role of [Role.ADMIN, Role.MANAGER]) {
    await members.updateMember({ member: { memberId, role }, updateMask: { paths: ["role"] } });
  }
}
