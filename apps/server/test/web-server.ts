import { type IncomingHttpHeaders, request } from "node:http";
import type { Logger } from "pino";
import { onTestFinished } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { logTo } from "../src/log.ts";
import { RecentLog } from "../src/recent-log.ts";
import { type RunningServer, startServer } from "../src/server.ts";
import { ANY_PORTS } from "./processes.ts";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Question {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A server with a web port, and somebody who asks it. */
export interface WebServer extends RunningServer {
  readonly port: number;
  readonly token: string;
  /** The lines of the log. */
  readonly logged: string[];
  /** What the server logs by, and tests too. */
  readonly log: Logger;
  /** Sends a request with these very headers, `Host` among them. */
  ask(path: string, question?: Question): Promise<Answer>;
  /** The same with the admin token; the answer's JSON. */
  api(path: string, question?: Question): Promise<ApiAnswer>;
  /** Logs in; the cookie. */
  logIn(): Promise<string>;
}

// biome-ignore lint/suspicious/noExplicitAny: a test looks at what it asks for
export type ApiAnswer = any;

/** Starts a server whose accounts and admin token are in memory. */
export async function startWebServer(
  settings: readonly string[] = [],
  options: { drain?: () => void } = {},
): Promise<WebServer> {
  const free = ANY_PORTS.filter((arg) => arg !== "--set" && arg !== "web.port=null");
  const all = [...free, "web.port=0", "accounts=sqlite::memory:", ...settings];
  const { config } = loadConfig({ env: {}, settings: all });
  const logged: string[] = [];
  const recent = new RecentLog();
  const log = logTo("trace", (line) => {
    logged.push(line);
    recent.add(line);
  });
  const server = await startServer(config, { log, recent, ...options });
  onTestFinished(() => server.close());
  const port = server.web?.port ?? 0;
  const token = new URL(server.web?.adminUrl ?? "http://none/").searchParams.get("token") ?? "";
  const ask = (path: string, question: Question = {}): Promise<Answer> => send(port, path, question);
  return {
    ...server,
    port,
    token,
    logged,
    log,
    ask,
    async api(path, question = {}) {
      const headers = { authorization: `Bearer ${token}`, ...question.headers };
      return JSON.parse((await ask(path, { ...question, headers })).body);
    },
    async logIn() {
      const { headers } = await ask(`/login?token=${token}`);
      return headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
    },
  };
}

/** Every row of a list, a page after the other, and how many pages those are. */
export async function pagesOf(
  server: WebServer,
  path: string,
): Promise<{ rows: ApiAnswer[]; pages: number }> {
  const rows: ApiAnswer[] = [];
  let next: string | null = "";
  let pages = 0;
  while (next !== null) {
    const after = next === "" ? "" : `&after=${encodeURIComponent(next)}`;
    const page: ApiAnswer = await server.api(`${path}${after}`);
    rows.push(...page.rows);
    next = page.next;
    pages++;
  }
  return { rows, pages };
}

function send(port: number, path: string, { method = "GET", headers = {}, body }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
