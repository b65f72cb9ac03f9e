import { connectColonRelay } from "@wireyard/colon-relay/client";

// A message is JSON: {"name", "score", "x", "y"} where a cursor is, with "round" for who has just come, or {"hit"}, the
// round in which its sender clicked the dot. Places are parts of the field, 0 to 1.

/** The server that this page came from. */
const server = `${location.origin.replace("http", "ws")}/ws/colon-relay`;
const ROOM = "cursors";
/** A place is told so often at the most, in milliseconds. */
const TELL_MS = 40;

const [entry] = document.forms;
const field = document.getElementById("field");
const target = document.getElementById("target");
const state = document.getElementById("state");
const problem = document.getElementById("problem");

const me = { name: "", score: 0, x: 0.5, y: 0.5 };
/** How often the dot was caught. */
let round = 0;
/** Where the others are, and the elements that show it, by id. */
const others = new Map();

entry.addEventListener("submit", async (event) => {
  event.preventDefault();
  me.name = String(new FormData(entry).get("name"));
  problem.textContent = "";
  try {
    const client = await connectColonRelay({ url: server, reconnect: true });
    const leave = new AbortController();
    try {
      await client.login(me.name);
      await client.join(ROOM);
      enter(client, leave.signal);
      await follow(client);
    } finally {
      leave.abort();
      client.close();
    }
  } catch (error) {
    problem.textContent = error.message;
  }
  entry.hidden = false;
  field.hidden = true;
});

function enter(client, signal) {
  tellState("online");
  entry.hidden = true;
  field.hidden = false;
  moveTarget();
  let timer;
  const move = (event) => {
    const { left, top, width, height } = field.getBoundingClientRect();
    me.x = rounded((event.clientX - left) / width);
    me.y = rounded((event.clientY - top) / height);
    if (timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      // What would wait for the connection is old by then.
      if (state.className === "online") client.send(JSON.stringify(me));
    }, TELL_MS);
  };
  const hit = () => {
    if (state.className === "online")
      client.send(JSON.stringify({ hit: round }), { to: "all", ordered: true });
  };
  field.addEventListener("pointermove", move, { signal });
  target.addEventListener("click", hit, { signal });
}

/** Shows what happens, until the client ends. */
async function follow(client) {
  for await (const event of client) {
    switch (event.type) {
      case "joined":
        if (event.id === client.id) break;
        // To this one alone, whether it has just come or was there before us.
        client.defineGroup("newcomer", [event.id]);
        client.sendToGroup("newcomer", JSON.stringify({ ...me, round }));
        break;
      case "left":
        forget(event.id);
        break;
      case "message":
        receive(client, event.from, parse(event.text));
        break;
      case "lost":
        for (const id of others.keys()) forget(id);
        tellState("offline");
        break;
      case "back":
        tellState("online");
        break;
    }
  }
}

function receive(client, from, message) {
  if (Number.isSafeInteger(message.round) && message.round > round) {
    round = message.round;
    moveTarget();
  }
  if (Number.isSafeInteger(message.hit)) receiveHit(client, from, message.hit);
  else if (Number.isFinite(message.x) && Number.isFinite(message.y)) show(from, message);
}

/** Hits come in one order, the same for all: so all agree who was first, and no server has to judge. */
function receiveHit(client, from, hit) {
  if (hit < round) return;
  round = hit + 1;
  if (from === client.id) {
    me.score++;
    client.send(JSON.stringify(me));
  }
  moveTarget();
}

function show(id, { name, score, x, y }) {
  let other = others.get(id);
  if (other === undefined) {
    other = { element: document.createElement("div") };
    other.element.className = "cursor";
    others.set(id, other);
    field.append(other.element);
  }
  const { element } = other;
  other.name = String(name).slice(0, 24);
  other.score = Number.isSafeInteger(score) ? score : 0;
  element.textContent = other.name;
  element.style.setProperty("--hue", String(hueOf(other.name)));
  moveTo(element, x, y);
  showScores();
}

function forget(id) {
  others.get(id)?.element.remove();
  others.delete(id);
  showScores();
}

function showScores() {
  const rows = [me, ...others.values()].sort((a, b) => b.score - a.score || a.name.localeCompare(b.name));
  const items = rows.map(({ name, score }) => {
    const item = document.createElement("li");
    item.style.setProperty("--hue", String(hueOf(name)));
    item.append(name, " ", Object.assign(document.createElement("b"), { textContent: String(score) }));
    return item;
  });
  document.getElementById("scores").replaceChildren(...items);
}

/** The same place at everybody's, by the round alone. */
function moveTarget() {
  const part = (factor) => 0.1 + 0.8 * ((0.5 + round * factor) % 1);
  moveTo(target, part(0.7548776662), part(0.569840291));
  showScores();
}

function moveTo(element, x, y) {
  element.style.left = `${Math.min(Math.max(x, 0), 1) * 100}%`;
  element.style.top = `${Math.min(Math.max(y, 0), 1) * 100}%`;
}

function tellState(word) {
  state.className = word;
  state.textContent = word === "online" ? "Online" : "Offline: coming back …";
}

/** What others send may be anything. */
function parse(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function hueOf(name) {
  return [...name].reduce((hue, letter) => (hue * 31 + letter.codePointAt(0)) % 360, 0);
}

function rounded(part) {
  return Math.round(part * 10_000) / 10_000;
}
