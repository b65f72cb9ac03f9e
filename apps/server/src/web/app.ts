import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { getCookie, setCookie } from "hono/cookie";
import { createApi, refuse } from "./api.ts";
import type { WebContext } from "./context.ts";
import { createExamples } from "./examples.ts";
import { LOGIN_MS, type Login, sameText } from "./logins.ts";
import { METRICS_TYPE, metricsText } from "./metrics.ts";

type Env = { Bindings: HttpBindings; Variables: { login?: Login } };

const LOGIN_BODY_BYTES = 4_096;
/** Pages change with the server, and what they show all the time; what a build names by its hash never does. */
const IMMUTABLE = "public, max-age=31536000, immutable";

/** Nothing inline, nothing from elsewhere, in no frame. */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  [
    "Content-Security-Policy",
    [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
  ],
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  // `no-referrer` would also take the Origin from our own forms.
  ["Referrer-Policy", "same-origin"],
  ["Cache-Control", "no-store"],
];

/** What the login page says, by what went wrong. */
const PROBLEMS = {
  wrong: "That is not the admin token.",
  limited: "Too many wrong tokens from your address. Try again in a minute.",
  ended: "Your login has ended: the server was restarted, or it was too long ago.",
} as const;

/** Where the login page has room for a problem. */
const PROBLEM_PLACE = "<!-- problem -->";

/** The web port's answers: probes for everybody, the rest for who has the admin token. */
export function createApp(context: WebContext): Hono<Env> {
  const { log, policy, readiness } = context;
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    for (const [name, value] of HEADERS) c.header(name, value);
    await next();
  });

  // Probes and load balancers ask by any name, and are told nothing that is anybody's.
  app.get("/healthz", (c) => c.text("alive\n"));
  app.get("/readyz", async (c) => {
    const state = await readiness.check();
    return c.text(
      state === "ready" ? "ready\n" : `not ready: ${REASONS[state]}\n`,
      state === "ready" ? 200 : 503,
    );
  });

  app.use(async (c, next) => {
    const request = { host: c.req.header("host"), origin: c.req.header("origin") };
    if (policy.allows(request)) return next();
    return c.text("this name or origin is not served; name it in web.origins, as http://NAME:PORT\n", 403);
  });

  app.get("/assets/*", async (c) => {
    const file = await context.pages.find(c.req.path.slice(1));
    if (file === undefined) return c.text("there is no such file\n", 404);
    return c.body(file.content, 200, { "Content-Type": file.type, "Cache-Control": IMMUTABLE });
  });

  if (context.examples !== undefined) app.route("/examples", createExamples(context.examples));

  app.get("/login", async (c) => {
    const token = c.req.query("token");
    if (token !== undefined) return logIn(context, c, token);
    const problem = c.req.query("problem");
    return loginPage(context, c, problem === "ended" ? problem : undefined);
  });
  const small = bodyLimit({ maxSize: LOGIN_BODY_BYTES, onError: (c) => c.text("too long\n", 413) });
  app.post("/login", small, async (c) => {
    const token = new URLSearchParams(await c.req.text()).get("token");
    return logIn(context, c, token ?? "");
  });
  app.post("/logout", (c) => {
    const login = context.logins.find(getCookie(c, cookieName(context)));
    // Without an origin of ours it is not the page that asks.
    if (login === undefined || c.req.header("origin") === undefined) return c.redirect("/login", 303);
    context.logins.end(login);
    cookie(context, c, "", 0);
    return c.redirect("/login", 303);
  });

  // What asks for a WebSocket has not come this far.
  app.all("/ws/:protocol", (c) => {
    if (!(c.req.param("protocol") in context.protocols)) return c.text("there is no such mount\n", 404);
    c.header("Upgrade", "websocket");
    return c.text("this is for WebSockets\n", 426);
  });

  app.use(onlyAdmin(context));
  app.get("/", (c) => page(context, c, "index.html"));
  app.get("/metrics", (c) => c.text(metricsText(context), 200, { "Content-Type": METRICS_TYPE }));
  app.get("/api/session", (c) => {
    const { csrf = null, until = null } = c.get("login") ?? {};
    return c.json({ csrf, until });
  });
  app.route("/api", createApi(context));

  app.notFound((c) => c.text("there is nothing here\n", 404));
  app.onError((error, c) => {
    log.error({ err: error }, "a request of the web port failed");
    return c.text("the server failed to answer; its log tells why\n", 500);
  });
  return app;
}

const REASONS = {
  draining: "the server closes its sessions",
  unavailable: "the account store or the back plane does not answer",
} as const;

/** Lets through who shows the token or has logged in; of a browser that would change something, asks more. */
function onlyAdmin(context: WebContext): MiddlewareHandler<Env> {
  const { logins } = context;
  return async (c, next) => {
    const [, bearer] = /^Bearer +([\w.~+/=-]{1,256})$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (bearer !== undefined) {
      const checked = checkToken(context, c, bearer);
      if (checked === "right") return next();
      if (checked === "limited") return refuse(c, 429, "rate_limited", PROBLEMS.limited);
      return unauthorized(c, PROBLEMS.wrong);
    }
    const login = logins.find(getCookie(c, cookieName(context)));
    if (login === undefined) {
      if (c.req.path === "/") return c.redirect("/login", 303);
      return unauthorized(c, "the admin token is needed: Authorization: Bearer TOKEN");
    }
    const reads = c.req.method === "GET" || c.req.method === "HEAD";
    // A cookie goes along with whatever page asks: that it is ours has to be shown.
    const shown =
      c.req.header("origin") !== undefined && sameText(c.req.header("x-csrf-token") ?? "", login.csrf);
    if (!reads && !shown) return refuse(c, 403, "csrf", "the page must send its origin and its x-csrf-token");
    c.set("login", login);
    return next();
  };
}

function unauthorized(c: Context, message: string): Response {
  c.header("WWW-Authenticate", "Bearer");
  return refuse(c, 401, "unauthorized", message);
}

function checkToken(context: WebContext, c: Context<Env>, token: string): "right" | "wrong" | "limited" {
  const address = c.env.incoming.socket.remoteAddress ?? "";
  const checked = context.logins.check(token, address);
  if (checked === "wrong") context.log.warn({ address }, "somebody has shown a wrong admin token");
  return checked;
}

async function logIn(context: WebContext, c: Context<Env>, token: string): Promise<Response> {
  const checked = checkToken(context, c, token);
  if (checked !== "right") return loginPage(context, c, checked);
  context.log.info({ address: c.env.incoming.socket.remoteAddress }, "the administrator logged in");
  cookie(context, c, context.logins.start().id, LOGIN_MS / 1_000);
  // The address may hold the token: no later request tells it.
  c.header("Referrer-Policy", "no-referrer");
  return c.redirect("/", 303);
}

/** Cookies of one host are those of all its ports: the name tells them apart. */
function cookieName({ port }: WebContext): string {
  return `wireyard_admin_${port}`;
}

function cookie(context: WebContext, c: Context, id: string, maxAge: number): void {
  setCookie(c, cookieName(context), id, { httpOnly: true, sameSite: "Strict", path: "/", maxAge });
}

async function page({ pages }: WebContext, c: Context, name: string): Promise<Response> {
  const file = await pages.find(name);
  if (file === undefined) throw new Error(`the console has no ${name}`);
  return c.body(file.content, 200, { "Content-Type": file.type });
}

async function loginPage(
  { pages }: WebContext,
  c: Context,
  problem: keyof typeof PROBLEMS | undefined,
): Promise<Response> {
  const file = await pages.find("login.html");
  if (file === undefined) throw new Error("the console has no login.html");
  const text = problem === undefined ? "" : `<p class="problem" role="alert">${PROBLEMS[problem]}</p>`;
  const status = { none: 200, ended: 200, wrong: 401, limited: 429 } as const;
  return c.html(
    new TextDecoder().decode(file.content).replace(PROBLEM_PLACE, text),
    status[problem ?? "none"],
  );
}
