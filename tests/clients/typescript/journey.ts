// The journey of a signed-in manager through the leads, the same in Node and in a browser.

import { Code, type DevsphereClient } from "@devsphere/client";
import { type Lead, LeadService, LeadState } from "@devsphere/client/crm/v1";
import { must, refused, same } from "./must.js";

export async function journey(client: DevsphereClient): Promise<void> {
  const leads = client.service(LeadService);

  const requestId = crypto.randomUUID();
  const email = `maria.${requestId.slice(0, 8)}@lindqvist.example`;
  const value = { minorUnits: 250_000n, currencyCode: "EUR" };
  const lead = await leads.createLead({ lead: { displayName: "Maria", email, value }, requestId });
  const again = await leads.createLead({ lead: { displayName: "Maria", email, value }, requestId });
  same([again.leadId, again.etag], [lead.leadId, lead.etag], "one request id, one answer");
  same(lead.value?.minorUnits.toString(), "250000", "the amount as it was sent");
  const reused = await refused(leads.createLead({ lead: { displayName: "Other" }, requestId }));
  same([reused.reason, reused.cause], ["BAD_REQUEST", "request_id_reused"], "a request id for one request");

  await lists(client, lead);
  await changes(client, lead);
  await exports(client, lead);

  const bad = { displayName: "x", email: "no", phone: "no", website: "no" };
  const wrong = await refused(leads.createLead({ lead: bad }));
  same([wrong.code, wrong.reason], [Code.InvalidArgument, "BAD_REQUEST"], "bad fields");
  const fields = wrong.violations.map((violation) => violation.field);
  same(fields, ["lead.email", "lead.phone", "lead.website"], "all three at once");
  must(wrong.violations.every((violation) => violation.description !== ""), "words for each");
  must(/^[0-9a-f-]{36}$/.test(wrong.requestId ?? ""), "the request's name");

  const unknown = await refused(leads.getLead({ leadId: crypto.randomUUID() }));
  same([unknown.code, unknown.reason], [Code.NotFound, "NOT_FOUND"], "no such lead");

  const given = new AbortController();
  given.abort();
  const aborted = await refused(leads.listLeads({}, { signal: given.signal }));
  same(aborted.reason, "CANCELED", "a call that nobody waits for");
}

async function lists(client: DevsphereClient, lead: Lead): Promise<void> {
  const filter = `email = "${lead.email}" AND state = new`;
  const found = await client.service(LeadService).listLeads({ filter, includeTotal: true });
  same(found.leads.map((one) => one.leadId), [lead.leadId], "the one that the filter names");
  same(found.totalSize, 1, "the total");

  const every: string[] = [];
  const request = { pageSize: 7, orderBy: "display_name" };
  for await (const one of client.each(LeadService.method.listLeads, request)) {
    every.push(one.leadId);
  }
  must(every.length > 20 && every.includes(lead.leadId), `all leads, found ${every.length}`);
  same(new Set(every).size, every.length, "every lead once");

  const pages: number[] = [];
  for await (const page of client.pages(LeadService.method.listLeads, request)) {
    pages.push(page.leads.length);
  }
  same(pages.slice(0, -1).every((size) => size === 7), true, "full pages but the last");
}

async function changes(client: DevsphereClient, lead: Lead): Promise<void> {
  const leads = client.service(LeadService);
  const { leadId, etag } = lead;
  const updateMask = { paths: ["note"] };
  const noted = await leads.updateLead({ lead: { leadId, etag, note: "first" }, updateMask });
  const stale = await refused(leads.updateLead({ lead: { leadId, etag, note: "second" }, updateMask }));
  same([stale.code, stale.reason, stale.cause], [Code.Aborted, "CONFLICT", "stale_etag"], "a stale etag");
  same(stale.metadata["etag"], noted.etag, "the current one");

  const qualified = await leads.qualifyLead({ leadId, etag: noted.etag });
  same(qualified.state, LeadState.QUALIFIED, "the state");
  const won = await leads.winLead({ leadId });
  same(won.state, LeadState.WON, "the state");
  const twice = await refused(leads.winLead({ leadId }));
  same([twice.code, twice.reason], [Code.FailedPrecondition, "BAD_TRANSITION"], "won once");
  must(twice.allowed.includes("undo_win"), `undo_win among ${twice.allowed}`);
}

async function exports(client: DevsphereClient, lead: Lead): Promise<void> {
  const filter = `email = "${lead.email}"`;
  const decoder = new TextDecoder();
  let csv = "";
  let rows = 0;
  for await (const piece of client.service(LeadService).exportLeads({ filter })) {
    csv += decoder.decode(piece.csv, { stream: true });
    rows += piece.rowCount;
  }
  same(rows, 1, "rows");
  must(csv.includes(lead.email), `the lead in ${csv}`);
}
