import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort, Program, runScript, type Served, serve, temporaryFolder } from "./server.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  existsSync,
);
/** Who was away is back within so long of the server. */
const BACK_MS = 5_000;

describe.skipIf(CHROMIUM === undefined)(
  "the examples, in Chromium (skipped where there is none: apt-get install chromium)",
  () => {
    let browser: Browser;

    beforeAll(async () => {
      // Root, as in a container, has no sandbox.
      const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
      browser = await chromium.launch({ executablePath: CHROMIUM as string, args });
    });

    afterAll(() => browser.close());

    /** A page that must not do what its policy forbids. */
    async function open(server: Served, path: string, options: BrowserContextOptions = {}): Promise<Page> {
      const context = await browser.newContext(options);
      onTestFinished(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      page.on("pageerror", (error) => expect.unreachable(error.message));
      page.on("console", (message) => expect(message.text()).not.toMatch(/Content Security Policy/));
      await page.goto(`http://127.0.0.1:${server.web}/examples/${path}`);
      return page;
    }

    async function enterChat(server: Served, name: string, options?: BrowserContextOptions): Promise<Page> {
      const page = await open(server, "chat-browser/", options);
      await page.getByLabel("Your name").fill(name);
      await page.getByRole("button", { name: "Join" }).click();
      await page.getByText("Online").waitFor();
      return page;
    }

    async function say(page: Page, text: string): Promise<void> {
      const message = page.getByRole("textbox", { name: "Message" });
      await message.fill(text);
      await message.press("Enter");
    }

    const membersOf = (page: Page): Promise<string[]> =>
      page.getByRole("list", { name: "Who is here" }).getByRole("listitem").allTextContents();
    const messagesOf = (page: Page): Promise<string[]> => page.locator("#lines span").allTextContents();

    async function play(server: Served, name: string): Promise<Page> {
      const page = await open(server, "cursors/");
      await page.getByLabel("Your name").fill(name);
      await page.getByRole("button", { name: "Play" }).click();
      await page.getByText("Online").waitFor();
      return page;
    }

    test("two pages and netcat in one room see the same messages in the same order", async () => {
      const server = await serve();
      const pages = [await enterChat(server, "ann"), await enterChat(server, "bob")];
      const port = server.ports["colon-relay"]?.tcp;
      const netcat = new Program("nc", ["127.0.0.1", `${port}`], temporaryFolder());
      netcat.send("0:cat:\n2:lobby\n");
      await netcat.line(/^4:/);
      netcat.send("3:0:/name cat\n");
      for (const page of pages) {
        await expect.poll(async () => (await membersOf(page)).sort()).toEqual(["ann", "bob", "cat"]);
      }

      const evil = "<img src=x onerror=alert(1)>";
      const rounds = Array.from({ length: 10 }, (_, i) => i);
      await Promise.all([
        ...pages.map(async (page, own) => {
          for (const i of rounds) await say(page, `${own} says ${i}: ${evil}`);
        }),
        (async () => {
          for (const i of rounds) {
            await netcat.line(new RegExp(`^3:\\d+:0 says ${i}`));
            netcat.send(`3:3:cat says ${i}\n`);
          }
        })(),
      ]);
      const [ann = [], bob] = await Promise.all(
        pages.map(async (page) => {
          await expect.poll(async () => (await messagesOf(page)).length).toBe(30);
          return messagesOf(page);
        }),
      );
      expect(bob).toEqual(ann);
      await netcat.line(new RegExp(`^3:\\d+:${ann.at(-1)?.slice(0, 8)}`));
      const heard = netcat.lines.flatMap((line) => /^3:\d+:(.* says .*)$/.exec(line)?.[1] ?? []);
      expect(heard).toEqual(ann);
      expect(await pages[0]?.locator("img").count()).toBe(0);
    });

    test("when the server is killed and started again, five talking pages are back in their rooms, once each", async () => {
      const web = await freePort();
      const tcp = await freePort();
      const settings = [`web.port=${web}`, `protocols.colon-relay.port=${tcp}`];
      const first = await serve(...settings);
      const names = ["ann", "bob", "cat", "dan", "eve"];
      const pages = await Promise.all(names.map((name) => enterChat(first, name)));
      let talks = true;
      const talking = Promise.all(
        pages.map(async (page, own) => {
          for (let i = 0; talks; i++) await say(page, `${names[own]} says ${i}`);
        }),
      );
      // Waited for below; where the test fails before that, their pages are closed while they talk.
      talking.catch(() => {});
      for (const page of pages)
        await expect.poll(async () => (await messagesOf(page)).length).toBeGreaterThan(10);
      await first.program.kill();
      for (const page of pages) await page.getByText("Offline").waitFor();

      const second = await serve(...settings);
      const from = performance.now();
      const deadline = { timeout: BACK_MS, interval: 20 };
      await Promise.all(
        pages.map((page) => expect.poll(async () => (await membersOf(page)).sort(), deadline).toEqual(names)),
      );
      expect(performance.now() - from).toBeLessThan(BACK_MS);
      talks = false;
      await talking;

      const netcat = new Program(
        "nc",
        ["127.0.0.1", `${second.ports["colon-relay"]?.tcp}`],
        temporaryFolder(),
      );
      netcat.send("0:fay:\n1\n");
      expect(await netcat.line(/^1:/)).toBe("1:lobby-5");
      await say(pages[0] as Page, "the last word");
      for (const page of pages) await page.getByText("the last word", { exact: true }).waitFor();
    }, 30_000);

    test("cursors: moves are seen, and of two who click at once the same one is first everywhere", async () => {
      const server = await serve();
      const pages = [await play(server, "ann"), await play(server, "bob")];
      const [ann, bob] = pages as [Page, Page];
      await ann.mouse.move(320, 180);
      const cursor = bob.locator(".cursor");
      await expect.poll(() => cursor.evaluate((one) => one.getAttribute("style"))).toMatch(/left: 25%/);
      const scoresOf = (page: Page): Promise<string[]> => page.locator("#scores li").allTextContents();
      for (const round of [1, 2, 3]) {
        const targets = pages.map((page) => page.getByRole("button", { name: "Catch the dot" }));
        await Promise.all(targets.map((target) => target.dispatchEvent("click")));
        const caught = async (page: Page): Promise<number> =>
          (await scoresOf(page)).reduce((sum, row) => sum + Number(row.split(" ")[1]), 0);
        for (const page of pages) await expect.poll(() => caught(page)).toBeGreaterThanOrEqual(round);
        // Where the second click came behind the move of the dot, it caught the next.
        await expect
          .poll(async () => (await scoresOf(ann)).join() === (await scoresOf(bob)).join())
          .toBe(true);
      }
    });

    test("the list of servers shows who is there, who is not, and an added one", async () => {
      const other = await serve("protocols.varint-state.description=The <b>other</b>");
      const server = await serve("protocols.varint-state.description=This one");
      const page = await open(server, "server-list/");
      await page.getByRole("heading", { name: "This one" }).waitFor();
      await page.getByText("1 of 10000").waitFor();
      await page.getByLabel("Address of a server").fill(`ws://127.0.0.1:${other.web}/ws/varint-state`);
      await page.getByRole("button", { name: "Add" }).click();
      // It does not serve pages of other origins unless it is told to.
      await page.getByRole("heading", { name: "Not there" }).waitFor();
      await other.program.kill();
      await serve(
        `web.port=${other.web}`,
        `web.origins=["http://127.0.0.1:${server.web}"]`,
        "protocols.varint-state.description=The <b>other</b>",
      );
      await page.getByRole("heading", { name: "The <b>other</b>" }).waitFor();
      expect(await page.locator("h2 b").count()).toBe(0);
    });

    test("every page fits a phone, light and dark", async () => {
      const server = await serve();
      for (const path of ["", "chat-browser/", "cursors/", "server-list/"]) {
        for (const colorScheme of ["light", "dark"] as const) {
          const page = await open(server, path, { viewport: { width: 390, height: 844 }, colorScheme });
          const { width, ground } = await page.locator("body").evaluate((body) => ({
            width: body.ownerDocument.documentElement.scrollWidth,
            ground: body.computedStyleMap().get("background-color")?.toString(),
          }));
          expect([path, width]).toEqual([path, 390]);
          expect(ground).toBe(colorScheme === "light" ? "rgb(244, 245, 247)" : "rgb(16, 19, 24)");
        }
      }
    });
  },
);

test("the bot answers what it is asked", async () => {
  const { ports } = await serve();
  const url = `tcp://127.0.0.1:${ports["comma-command"]?.tcp}`;
  const bot = runScript("examples/bot/bot.js", ["a-secret", "robot", url]);
  await bot.line(/^robot is here/);
  const env = { WIREYARD_URL: url, BOT: "robot" };
  await runScript("examples/bot/ask.js", ["help"], env).line(/^help time dice$/);
  await runScript("examples/bot/ask.js", ["dice", "1"], env).line(/^1$/);
  await runScript("examples/bot/ask.js", ["dice", "no"], env).line(/^dice needs a number/);
});

test("remote calls are encrypted, answered and refused", async () => {
  const port = `${await freePort()}`;
  const server = runScript("examples/rpc/server.js", [port]);
  const fingerprint = await server.line(/^[0-9a-f]{64}$/);
  const client = runScript("examples/rpc/client.js", [fingerprint, `tcp://127.0.0.1:${port}`]);
  await client.line(/^refused/);
  expect(client.lines).toEqual([
    "encrypted true",
    "sum 6",
    "mean 3",
    "hash 39602c2d46569d943958baabd973a65cd1ba32a4c2a5b85eac72835bd202d070",
    "refused missing_field - data: an array of numbers is needed",
  ]);
});
