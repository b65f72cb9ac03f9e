// @ts-check
// A module for a comma command server: what time it is where the server runs, or in a time zone.
//
//   time                   time,2025-03-01T12:00:00.000Z
//   time,Europe/Berlin     time,2025-03-01 13:00:00,Europe/Berlin
//   uptime                 uptime,<seconds since the module was loaded>

const loadedAt = performance.now();

/** @type {import("@wireyard/comma-command/server").CommaModule} */
export default {
  commands: [
    {
      name: "time",
      usage: "time,[zone]",
      check: (args) => args.length === 0 || (args.length === 1 && isZone(args[0])),
      handler: ([zone]) =>
        zone === undefined ? ["time", new Date().toISOString()] : ["time", timeIn(zone), zone],
    },
    {
      name: "uptime",
      usage: "uptime",
      check: (args) => args.length === 0,
      handler: () => ["uptime", String(Math.floor((performance.now() - loadedAt) / 1000))],
    },
  ],
};

/** @param {string} zone */
function timeIn(zone) {
  // Swedish writes a date as 2025-03-01 13:00:00.
  return new Date().toLocaleString("sv-SE", { timeZone: zone });
}

/** @param {string} name */
function isZone(name) {
  try {
    timeIn(name);
    return true;
  } catch {
    return false;
  }
}
