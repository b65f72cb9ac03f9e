import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import type { PageSource, Pages } from "./page.ts";

const BUILD = fileURLToPath(new URL("../../../../examples/build.ts", import.meta.url));

/**
 * The pages of `examples/`, in development: where the server runs from its sources, as in a clone, and `NODE_ENV` is not
 * `production`. The published package has none.
 */
export function examplesSource(): PageSource | undefined {
  const isSource = import.meta.url.endsWith(".ts");
  if (!isSource || process.env.NODE_ENV === "production" || !existsSync(BUILD)) return undefined;
  return { build: BUILD };
}

/** `/examples`: for everybody, as the mounts are that they speak to. */
export function createExamples(pages: Pages): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    // A list of servers asks servers elsewhere too.
    const policy = c.res.headers.get("Content-Security-Policy") ?? "";
    c.header("Content-Security-Policy", policy.replace("connect-src 'self'", "connect-src 'self' ws: wss:"));
  });
  app.get("/*", async (c) => {
    const path = c.req.path.replace(/^\/examples\/?/, "");
    const isFolder = path === "" || path.endsWith("/");
    const file = await pages.find(isFolder ? `${path}index.html` : path);
    if (file !== undefined && c.req.path !== "/examples") {
      return c.body(file.content, 200, { "Content-Type": file.type });
    }
    // What a page names beside it is beside it only behind the slash.
    if ((await pages.find(`${path}${path && "/"}index.html`)) !== undefined)
      return c.redirect(`${c.req.path}/`);
    return c.text("there is no such example; /examples/ lists them\n", 404);
  });
  return app;
}
