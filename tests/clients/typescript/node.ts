// The client in Node: the journey, two organisations in one process, renewal, and the end of a session.

import { createClient, memory } from "@devsphere/client";
import { LeadService } from "@devsphere/client/crm/v1";
import { PersonService } from "@devsphere/client/identity/v1";
import { journey } from "./journey.js";
import { eventually, must, refused, same } from "./must.js";
import { type Given, stage, unsettle } from "./stage.js";

const given = JSON.parse(process.argv[2] ?? "") as Given;
const baseUrl = given.gateway;
const { north, south, northCeo } = await stage(given);

const store = memory();
const statuses: number[] = [];
const fetch: typeof globalThis.fetch = async (input, init) => {
  const answer = await globalThis.fetch(input, init);
  statuses.push(answer.status);
  return answer;
};
// The machine may be busy with other tests.
const attempts = 8;
const client = createClient({ baseUrl, store, organizationId: north, fetch, attempts });
const standing = await client.signIn(given.manager);
same([standing.organizationId, standing.affiliations.length], [north, 2], "where the person stands");
await journey(client);

// Another organisation is another client of the same session.
const other = await client.enter(south);
const names = (await other.service(LeadService).listLeads({})).leads.map((lead) => lead.displayName);
same(names.sort(), ["South one", "South three", "South two"], "the leads of the south");

// A token that died meanwhile is replaced without a word, in that organisation and in no other.
await unsettle(northCeo, given.manager.email);
must(!statuses.includes(401), "no token refused so far");
await eventually("the old token is refused, and nobody notices", async () => {
  const many = Array.from({ length: 8 }, () => client.service(PersonService).getMe({}));
  same((await Promise.all(many)).length, 8, "answers");
  return statuses.includes(401);
});
same((await other.service(LeadService).listLeads({})).leads.length, 3, "the south undisturbed");

// The store alone is enough to go on, twenty times at once.
const later = Array.from({ length: 20 }, () => createClient({ baseUrl, store, organizationId: south, attempts }));
const resumed = await Promise.all(later.map((one) => one.resume()));
same(new Set(resumed.map((standing) => standing?.organizationId)).size, 1, "one organisation");
same(resumed[19]?.organizationId, south, "the one asked for");

const ended: string[] = [];
const heard = createClient({ baseUrl, store, onSignedOut: () => ended.push("heard") });
must((await heard.resume()) !== undefined, "a session");
await client.signOut();
same((await refused(client.service(PersonService).getMe({}))).reason, "UNAUTHORIZED", "signed out");
same((await refused(other.service(PersonService).getMe({}))).reason, "UNAUTHORIZED", "the sibling too");
same(await store.get(), undefined, "nothing is kept");
same((await refused(heard.service(PersonService).getMe({}))).reason, "UNAUTHORIZED", "and whoever resumed");
same(ended, ["heard"], "told so");
same(await createClient({ baseUrl, store }).resume(), undefined, "no session to go on with");
console.log("the journey is done");
