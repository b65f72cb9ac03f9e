import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { temporaryDirectory } from "./processes.ts";
import { Client, frame } from "./sockets.ts";
import { startWebServer, type WebServer } from "./web-server.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  existsSync,
);

describe.skipIf(CHROMIUM === undefined)(
  "the page, in Chromium (skipped where there is none: apt-get install chromium)",
  () => {
    let browser: Browser;

    beforeAll(async () => {
      // Root, as in a container, has no sandbox.
      const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
      browser = await chromium.launch({ executablePath: CHROMIUM as string, args });
    });

    afterAll(() => browser.close());

    /** A page that must not do what its policy forbids, nor ask anybody else. */
    async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
      const context = await browser.newContext(options);
      onTestFinished(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      page.on("pageerror", (error) => expect.unreachable(error.message));
      page.on("dialog", () => expect.unreachable("a dialog"));
      page.on("console", (message) => expect(message.text()).not.toMatch(/Content Security Policy/));
      page.on("request", (request) => expect(new URL(request.url()).hostname).toBe("127.0.0.1"));
      return page;
    }

    async function openConsole(server: WebServer, options?: BrowserContextOptions): Promise<Page> {
      const page = await openPage(options);
      await page.goto(server.web?.adminUrl ?? "");
      await page.getByText("Serving").waitFor();
      return page;
    }

    async function enter(server: WebServer, name: string, room: string): Promise<Client> {
      const client = new Client(server.ports["colon-relay"]?.tcp ?? 0);
      client.send(`0:${name}:pw\n2:${room}\n`);
      await client.receive(/\n4:\d+\n/);
      return client;
    }

    it("shows who is there, names as text, and what they do", async () => {
      const server = await startWebServer();
      const evil = "<img src=x onerror=alert(1)>";
      const ann = await enter(server, evil, "<b>lobby</b>");
      const page = await openConsole(server);
      expect(page.url()).toBe(`http://127.0.0.1:${server.port}/`);
      const sessions = page.getByRole("region", { name: "Sessions" });
      await sessions.getByText(evil, { exact: true }).waitFor();
      await page.getByRole("region", { name: "Rooms" }).getByText("<b>lobby</b>", { exact: true }).waitFor();
      expect(await page.locator("td img, td b, th img").count()).toBe(0);

      const relay = page.getByRole("region", { name: "Protocols" }).getByRole("row", { name: /colon-relay/ });
      ann.send("3:1:hi\n".repeat(500));
      // More than one cell may say so: where all came within one second, their rate is their number.
      await relay.getByText("502", { exact: true }).first().waitFor();
      expect(await relay.getByRole("cell").first().textContent()).toBe("1");
      expect(await page.locator(".plot canvas").count()).toBe(1);
      expect(await page.title()).toBe("1 · Wireyard");
    });

    it("shows the accounts and the last of the log, filtered on the server's side and as text", async () => {
      const server = await startWebServer();
      const comma = new Client(server.ports["comma-command"]?.tcp ?? 0);
      comma.send(frame("register,Carol,hunter-22"));
      await comma.receive(/ok/);
      comma.send(frame("login,carol,hunter-22"));
      await comma.receive(/ok/);
      const evil = "<img src=x onerror=alert(1)>";
      server.log.error({ name: evil, err: new Error(evil) }, evil);
      const page = await openConsole(server);
      const users = page.getByRole("region", { name: "Users" });
      await users.getByRole("row", { name: "Carol 1" }).waitFor();
      const log = page.getByRole("region", { name: "Log" });
      await log.getByText("the administrator logged in").waitFor();
      await log.getByLabel("Level").selectOption("error");
      await expect.poll(() => log.locator("tbody tr").count()).toBe(1);
      expect(await log.locator("bdi").allTextContents()).toEqual([evil, `name: ${evil}`, evil]);
      expect(await page.locator("td img").count()).toBe(0);
      await log.getByLabel("Text").fill("nothing like that");
      await log.getByLabel("Text").press("Enter");
      await log.getByText("No line is like that.").waitFor();
    });

    it("kicks a session, after it has asked back", async () => {
      const server = await startWebServer();
      const ann = await enter(server, "ann", "lobby");
      const page = await openConsole(server);
      await page.getByRole("button", { name: "Kick ann" }).click();
      await page.getByRole("button", { name: "Really kick ann?" }).click();
      await ann.ended;
      await page.getByText("Nobody is connected.").waitFor();
      await page.getByText("There is no room.").waitFor();
    });

    it("pages and filters on the server's side", async () => {
      const server = await startWebServer();
      for (let i = 10; i < 22; i++) await enter(server, `ann${i}`, "lobby");
      const page = await openConsole(server);
      const sessions = page.getByRole("region", { name: "Sessions" });
      const names = sessions.locator("tbody th bdi");
      await sessions.getByRole("button", { name: "Next" }).click();
      await sessions.getByText("Page 2").waitFor();
      await expect.poll(() => names.count()).toBe(2);
      await sessions.getByLabel("User").fill("ann2");
      await sessions.getByLabel("User").press("Enter");
      await expect.poll(async () => (await names.allTextContents()).toSorted()).toEqual(["ann20", "ann21"]);
      await sessions.getByLabel("Protocol").selectOption("json-packet");
      await sessions.getByText("No session is like that.").waitFor();
    });

    it("asks for the token, and says what is wrong with it", async () => {
      const server = await startWebServer();
      const page = await openPage();
      await page.goto(`http://127.0.0.1:${server.port}/`);
      await page.getByLabel("Admin token").waitFor();
      await page.goto(`http://127.0.0.1:${server.port}/login?token=no`);
      await page.getByRole("alert").getByText("That is not the admin token.").waitFor();
      await page.getByLabel("Admin token").fill("no");
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("alert").getByText("That is not the admin token.").waitFor();
      await page.getByLabel("Admin token").fill(server.token);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByText("Serving").waitFor();
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("Admin token").waitFor();
    });

    it("says when the server is gone, and comes back with it", async () => {
      const file = join(temporaryDirectory(), "admin");
      const first = await startWebServer([`web.adminTokenFile=${file}`]);
      const page = await openConsole(first);
      await first.close();
      await page.getByText("The server does not answer").waitFor();
      expect(await page.title()).toBe("Gone · Wireyard");
      await startWebServer([`web.adminTokenFile=${file}`, `web.port=${first.port}`]);
      await page.getByText("Your login has ended").waitFor();
      await page.getByLabel("Admin token").fill(first.token);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByText("Serving").waitFor();
    });

    it.each(["light", "dark"] as const)("can be read in the %s", async (colorScheme) => {
      const page = await openConsole(await startWebServer(), { colorScheme });
      const colours = await page.locator("html").evaluate((root) => {
        const style = root.computedStyleMap();
        const names = ["card", "page", "text", "faint", "accent", "good", "warn", "bad"];
        return Object.fromEntries(names.map((name) => [name, `${style.get(`--${name}`)}`.trim()]));
      });
      for (const ground of ["card", "page"]) {
        for (const name of ["text", "faint", "accent", "good", "warn", "bad"]) {
          const ratio = contrast(colours[name] as string, colours[ground] as string);
          expect(ratio, `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
        }
      }
      const shade = luminance(colours.page as string);
      expect(shade > 0.5).toBe(colorScheme === "light");
    });

    it("fits a phone, has a header for each column and a name for each control", async () => {
      const server = await startWebServer();
      await enter(server, "a-name-that-does-not-end-".repeat(6), "lobby");
      const page = await openConsole(server, { viewport: { width: 390, height: 844 } });
      await page.getByRole("button", { name: /^Kick/ }).waitFor();
      expect(await page.locator("html").evaluate((root) => root.scrollWidth)).toBe(390);
      expect(await page.locator("thead th:not([scope=col]), tbody th:not([scope=row])").count()).toBe(0);
      const unnamed = await page
        .locator("button, input, select")
        .evaluateAll(
          (controls) => controls.filter((one) => !(one.getAttribute("aria-label") ?? one.textContent)).length,
        );
      expect(unnamed).toBe(0);
    });
  },
);

/** By WCAG 2.2. */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const parts = colour.match(colour.length === 4 ? /[0-9a-f]/gi : /[0-9a-f]{2}/gi) ?? [];
  const [red = 0, green = 0, blue = 0] = parts.map((hex) => {
    const share = Number.parseInt(hex.padStart(2, hex), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
