// @ts-check
// A module for a comma command server: a look into the rooms of the server, those of the colon relay for instance.
//
//   rooms                  rooms,lobby,2,chess,1        the public rooms, each with the number of its members
//   rooms,<password>       the same, with the private rooms made with that password
//   where,<user>           where,lobby                  the public rooms a user is in; for users who have logged in

/** @type {import("@wireyard/comma-command/server").CommaModule} */
export default {
  commands: [
    {
      name: "rooms",
      usage: "rooms,[password]",
      check: (args) => args.length <= 1,
      async handler([password = ""], _session, hub) {
        const rooms = await hub.rooms(password);
        return ["rooms", ...rooms.flatMap(({ name, members }) => [name, String(members)])];
      },
    },
    {
      name: "where",
      usage: "where,<user>",
      check: (args) => args.length === 1,
      async handler([user = ""], session, hub) {
        if (session.user === undefined)
          return ["error", "nonfatal", "not_logged_in", "log in first, with login"];
        const listed = new Set((await hub.rooms()).map(({ name }) => name));
        const rooms = [...hub.sessionsOf(user)].flatMap(({ room }) =>
          room === undefined ? [] : [room.name],
        );
        return ["where", ...new Set(rooms.filter((name) => listed.has(name)))];
      },
    },
  ],
};
