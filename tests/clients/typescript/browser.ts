// The client in headless Chromium: two tabs in two organisations, and pages of other origins.

import type { BrowserContext, Page } from "playwright-core";
import { inChromium, origin, tab, told } from "./chromium.js";
import { must, same } from "./must.js";
import { Site } from "./server.js";
import { type Given, type Stage, stage, unsettle } from "./stage.js";

const [own, listed, foreign] = [await Site.start(), await Site.start(), await Site.start()];
// Another name for this machine: another site, as far as cookies go.
console.log(JSON.stringify({ own: origin("127.0.0.1", own), listed: origin("localhost", listed) }));
const given = await told<Given>();
own.gateway = new URL(given.gateway);

try {
  await inChromium(async (browser) => {
    const set = await stage(given);
    await twoTabs(browser, set);
    await otherOrigins(browser, set);
  });
  console.log("the journey is done");
} finally {
  for (const site of [own, listed, foreign]) {
    site.stop();
  }
}

/** Everything that a tab's calls are answered, as text. */
function overhear(page: Page): () => Promise<string> {
  const bodies: Promise<Buffer>[] = [];
  page.on("response", (answer) => {
    // Of a preflight or a redirect there is none.
    bodies.push(answer.body().catch(() => Buffer.alloc(0)));
  });
  return async () => Buffer.concat(await Promise.all(bodies)).toString("latin1");
}

async function twoTabs(browser: BrowserContext, { north, south, northCeo }: Stage): Promise<void> {
  const home = origin("127.0.0.1", own);
  const [one, two] = [await tab(browser, home), await tab(browser, home)];
  const [heardInOne, heardInTwo] = [overhear(one), overhear(two)];
  const open = (page: Page, organizationId: string) =>
    page.evaluate(([url, id]) => window.page.open(url, id), [home, organizationId] as const);

  await open(one, north);
  same(await one.evaluate((account) => window.page.signIn(account), given.manager), north, "the first tab");
  // The second tab has the cookie alone, and asks for the other organisation.
  await open(two, south);
  same(await two.evaluate(() => window.page.resume()), south, "the second tab");
  await hidden(browser, [one, two]);

  await one.evaluate(() => window.page.journey());
  const leads = (page: Page) => page.evaluate(() => window.page.leads());
  const [ofNorth, ofSouth] = [await leads(one), await leads(two)];
  must(ofNorth.length > 20 && ofSouth.length === 3, `${ofNorth.length} and ${ofSouth.length} leads`);
  must(!ofSouth.some((lead) => ofNorth.includes(lead)), "no lead in both");

  await crowds(one, two, { north, south, ofNorth, ofSouth });

  // The north's tokens die; its tab renews by itself, and the south's tab notices nothing.
  await unsettle(northCeo, given.manager.email);
  same(await leads(one), ofNorth, "the leads of the north");
  same(await leads(two), ofSouth, "the leads of the south");

  // A tab that is loaded anew goes on.
  await two.reload();
  await two.waitForFunction(() => window.page !== undefined);
  await open(two, south);
  same(await two.evaluate(() => window.page.resume()), south, "after the reload");
  same(await leads(two), ofSouth, "the leads of the south");
  await hidden(browser, [one, two]);

  // Of all that came over the wire, nothing of one organisation reached the other's tab.
  const [wireOfOne, wireOfTwo] = [await heardInOne(), await heardInTwo()];
  must(ofNorth.every((lead) => wireOfOne.includes(lead)), "the north's leads in its own tab");
  must(ofSouth.every((lead) => wireOfTwo.includes(lead)), "the south's leads in its own tab");
  must(!ofSouth.some((lead) => wireOfOne.includes(lead)), "no lead of the south in the north's tab");
  must(!ofNorth.some((lead) => wireOfTwo.includes(lead)), "no lead of the north in the south's tab");

  await two.evaluate(() => window.page.signOut());
  await one.waitForFunction(() => window.page.ends().length === 1);
  same(await one.evaluate(() => window.page.refusal()), ["UNAUTHORIZED", "no_session"], "both tabs are out");
  same(await one.evaluate(() => window.page.resume()), undefined, "the cookie is gone");
  same((await browser.cookies()).length, 0, "cookies");
  await Promise.all([one.close(), two.close()]);
}

/** Twenty beginnings at once, half of them in each organisation: politely, then not. */
async function crowds(
  one: Page,
  two: Page,
  { north, south, ofNorth, ofSouth }: { north: string; south: string; ofNorth: string[]; ofSouth: string[] },
): Promise<void> {
  const crowd = (page: Page, id: string) => page.evaluate((id) => window.page.crowd(10, id), id);
  const [inNorth, inSouth] = await Promise.all([crowd(one, north), crowd(two, south)]);
  for (const found of inNorth) {
    same(found, [north, ofNorth], "one of the crowd in the north");
  }
  for (const found of inSouth) {
    same(found, [south, ofSouth], "one of the crowd in the south");
  }

  // A browser has six connections to one host: a seventh request would wait, and carry the next token.
  const rush = (page: Page, id: string) => page.evaluate((id) => window.page.rush(3, id), id);
  const [northern, southern] = await Promise.all([rush(one, north), rush(two, south)]);
  for (const found of northern) {
    same(found, [200, north, null], "a refresh of the rush in the north");
  }
  for (const found of southern) {
    same(found, [200, south, null], "a refresh of the rush in the south");
  }
  // Six uses of one token at once are no theft: the session goes on.
  same(await crowd(one, north).then((crowd) => crowd.length), 10, "goes on");
}

/** The refresh token is where no script of any tab can read it. */
async function hidden(browser: BrowserContext, tabs: Page[]): Promise<void> {
  const cookies = await browser.cookies();
  const told = cookies.map(({ name, httpOnly, sameSite, path }) => [name, httpOnly, sameSite, path]);
  same(told, [["dvs_rt", true, "Strict", "/"]], "the one cookie");
  for (const tab of tabs) {
    same(await tab.evaluate(() => window.page.readable()), "{}{}", "what a script can read");
  }
}

/** A listed origin works with tokens in the body, any other is turned away. */
async function otherOrigins(browser: BrowserContext, { north }: Stage): Promise<void> {
  const page = await tab(browser, origin("localhost", listed));
  await page.evaluate(([url, id]) => window.page.open(url, id), [given.gateway, north] as const);
  await page.evaluate((account) => window.page.signIn(account), given.manager);
  await page.evaluate(() => window.page.journey());
  same((await browser.cookies()).length, 0, "cookies of a foreign origin");
  await page.evaluate(() => window.page.signOut());

  const stranger = await tab(browser, origin("localhost", foreign));
  await stranger.evaluate((url) => window.page.open(url), given.gateway);
  const refusal = await stranger.evaluate((account) => window.page.signInRefusal(account), given.manager);
  same(refusal, ["UNAVAILABLE", "network"], "an origin that is not listed");
}
