// The client in Node: the journey, two organisations in one process, renewal, and the end of a session.

import { createClient, memory } from "@devsphere/client";
import { LeadService } from "@devsphere/client/crm/v1";
import { PersonService } from "@devsphere/client/identity/v1";
import { journey } from "./journey.js";
import { must, refused, same } from "./must.js";
import { type Given, stage, unsettle } from "./stage.js";

const given = JSON.parse(process.argv[2] ?? "") as Given;
const baseUrl = given.gateway;
const { north, south, northCeo } = await stage(given);

const store = memory();
const client = createClient({ baseUrl, store, organizationId: north });
const standing = await client.signIn(given.manager);
same([standing.organizationId, standing.affiliations.length], [north, 2], "where the person stands");
await journey(client);

// Another organisation is another client of the same session.
const other = await client.enter(south);
const names = (await other.service(LeadService).listLeads({})).leads.map((lead) => lead.displayName);
same(names.sort(), ["South one", "South three", "South two"], "the leads of the south");

// A token that died meanwhile is replaced without a word, in that organisation and in no other.
await unsettle(northCeo, given.manager.email);
const many = Array.from({ length: 20 }, () => client.service(PersonService).getMe({}));
same((await Promise.all(many)).length, 20, "answers");
same((await other.service(LeadService).listLeads({})).leads.length, 3, "the south undisturbed");

// The store alone is enough to go on, twenty times at once.
const later = Array.from({ length: 20 }, () => createClient({ baseUrl, store, organizationId: south }));
for (const one of later) {
  same((await one.resume())?.organizationId, south, "resumed");
}

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
