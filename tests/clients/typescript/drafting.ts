// The journey of a draft in a tab of headless Chromium, from a page of the gateway's own origin.

import type { Drafting } from "./cast.js";
import { inChromium, origin, tab, told } from "./chromium.js";
import { Site } from "./server.js";

const own = await Site.start();
const home = origin("127.0.0.1", own);
console.log(JSON.stringify({ own: home }));
const given = await told<Drafting>();
own.gateway = new URL(given.gateway);

try {
  await inChromium(async (browser) => {
    const page = await tab(browser, home);
    await page.evaluate((url) => window.page.open(url), home);
    await page.evaluate((given) => window.page.drafts(given), { ...given, gateway: home });
  });
  console.log("the journey is done");
} finally {
  own.stop();
}
