// Lists, page after page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LeadService, type ListLeadsRequest } from "../gen/devsphere/crm/v1/lead_service_pb.js";
import { items, pages } from "../src/pages.js";
import { mesh } from "./mesh.js";

// Five leads in pages of two.
function list(asked: ListLeadsRequest[]) {
  return mesh({
    listLeads: (request) => {
      asked.push(request);
      const from = Number(request.pageToken || "0");
      const rows = ["a", "b", "c", "d", "e"].slice(from, from + 2);
      const next = from + 2 < 5 ? String(from + 2) : "";
      return { leads: rows.map((leadId) => ({ leadId })), nextPageToken: next };
    },
  });
}

test("every record comes once, in order, and each page carries the filter", async () => {
  const asked: ListLeadsRequest[] = [];
  const found: string[] = [];

  for await (const lead of items(list(asked), LeadService.method.listLeads, { filter: "x" })) {
    found.push(lead.leadId);
  }

  assert.deepEqual(found, ["a", "b", "c", "d", "e"]);
  assert.deepEqual(asked.map((request) => request.filter), ["x", "x", "x"]);
});

test("a page that nobody wants is not fetched", async () => {
  const asked: ListLeadsRequest[] = [];

  for await (const lead of items(list(asked), LeadService.method.listLeads, {})) {
    if (lead.leadId === "b") {
      break;
    }
  }

  assert.equal(asked.length, 1);
});

test("pages begin where the request says", async () => {
  const sizes: number[] = [];
  for await (const page of pages(list([]), LeadService.method.listLeads, { pageToken: "2" })) {
    sizes.push(page.leads.length);
  }
  assert.deepEqual(sizes, [2, 1]);
});
