import { fetchStatus } from "@wireyard/varint-state/client";

/** The server that this page came from. */
const HERE = `${location.origin.replace("http", "ws")}/ws/varint-state`;
const REFRESH_MS = 5_000;
const TIMEOUT_MS = 3_000;

const [form] = document.forms;
const [template] = document.getElementsByTagName("template");

// The list is in the page's address: to keep it is to bookmark it, and to share it is to send a link.
const addresses = new URLSearchParams(location.search).getAll("server");
for (const address of [HERE, ...addresses]) watch(address);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const query = new URLSearchParams(location.search);
  query.append("server", String(new FormData(form).get("server")));
  location.search = query.toString();
});

/** Shows a server, and asks it again and again while somebody looks. */
async function watch(address) {
  const row = template.content.firstElementChild.cloneNode(true);
  document.getElementById("servers").append(row);
  tell(row, { h2: "…", ".address": address });
  for (;;) {
    try {
      const { status, latencyMs } = await fetchStatus({ url: address, timeoutMs: TIMEOUT_MS });
      showStatus(row, status, latencyMs);
    } catch (error) {
      row.className = "gone";
      tell(row, { ".players": error.message, ".online": "–", ".latency": "–" });
      if (row.querySelector("h2").textContent === "…") tell(row, { h2: "Not there" });
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    if (document.hidden)
      await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

function showStatus(row, { description, players, version, favicon }, latencyMs) {
  const icon = row.querySelector("img");
  // An icon is a picture within the status: nothing is fetched from anywhere.
  icon.hidden = !favicon?.startsWith("data:image/png;base64,");
  if (!icon.hidden) icon.src = favicon;
  row.className = "there";
  tell(row, {
    h2: description.text,
    ".players": players.sample.map(({ name }) => name).join(", "),
    ".online": `${players.online} of ${players.max}`,
    ".version": version.name,
    ".latency": `${Math.max(1, Math.round(latencyMs))} ms`,
  });
}

/** Sets texts by selector. What a server says is text, never HTML. */
function tell(row, texts) {
  for (const [selector, text] of Object.entries(texts)) row.querySelector(selector).textContent = text;
}
