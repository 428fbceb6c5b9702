// Submits the form at /public/form of a gateway in a real browser, then the same form without its token:
// node form_browser.cjs ORIGIN BROWSER FOLDER. Prints one JSON line per page that the browser showed.
const { chromium } = require("playwright-core");

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

async function submit(page, how, origin, prepare) {
  await page.goto(`${origin}/public/form`);
  await prepare(page);
  const [answer] = await Promise.all([page.waitForNavigation(), page.click("button")]);
  const challenge = await answer.headerValue("www-authenticate");
  const text = (await page.textContent("body")).trim();
  console.log(JSON.stringify({ how, status: answer.status(), challenge, text, url: page.url() }));
}

async function main() {
  const [origin, executablePath, folder] = process.argv.slice(2);
  const browser = await chromium.launchPersistentContext(folder, { executablePath, headless: true, args: flags });
  try {
    const page = await browser.newPage();
    await submit(page, "with", origin, async () => {});
    await submit(page, "without", origin, (shown) => shown.$eval("input[type=hidden]", (field) => field.remove()));
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
