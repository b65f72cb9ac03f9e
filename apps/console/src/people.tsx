import { useState } from "preact/hooks";
import type { Overview, RoomRow, SessionRow, UserRow } from "./api.ts";
import { List } from "./list.tsx";
import { SureButton } from "./sure-button.tsx";
import { count, span } from "./words.ts";

export function Sessions({ overview }: { overview: Overview }) {
  const [protocol, setProtocol] = useState("");
  const [user, setUser] = useState("");
  return (
    <List<SessionRow>
      title="Sessions"
      path="/api/sessions"
      query={{ ...(protocol !== "" && { protocol }), ...(user !== "" && { user }) }}
      empty={protocol === "" && user === "" ? "Nobody is connected." : "No session is like that."}
      tools={
        <div class="tools">
          <select
            aria-label="Protocol"
            value={protocol}
            onChange={(event) => setProtocol(event.currentTarget.value)}
          >
            <option value="">All protocols</option>
            {overview.protocols.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <input
            type="search"
            placeholder="User"
            aria-label="User"
            value={user}
            onChange={(event) => setUser(event.currentTarget.value)}
          />
        </div>
      }
      head={
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Room</th>
          <th scope="col" class="wide">
            Address
          </th>
          <th scope="col" class="wide number">
            Id
          </th>
          <th scope="col" class="number">
            Open for
          </th>
          <th scope="col">
            <span class="unseen">Actions</span>
          </th>
        </tr>
      }
      row={({ id, name, user: verified, ...session }, changed) => (
        <tr key={id}>
          <th scope="row" class="name">
            {name === "" ? <span class="faint">no name</span> : <bdi>{name}</bdi>}
            <small>
              {session.protocol}
              {session.transport !== "" && ` · ${session.transport}`}
              {verified !== null && <span class="good"> · logged in</span>}
            </small>
          </th>
          <td class="name">
            {session.room === null ? <span class="faint">none</span> : <bdi>{session.room}</bdi>}
          </td>
          <td class="wide">{session.address}</td>
          <td class="wide number">{id}</td>
          <td class="number">{span(overview.now - session.openedAt)}</td>
          <td class="action">
            <SureButton
              label="Kick"
              about={name || `session ${id}`}
              path={`/api/sessions/${id}/kick`}
              done={changed}
            />
          </td>
        </tr>
      )}
    />
  );
}

export function Rooms() {
  return (
    <List<RoomRow>
      title="Rooms"
      path="/api/rooms"
      empty="There is no room. One is made when somebody joins it."
      head={
        <tr>
          <th scope="col">Room</th>
          <th scope="col" class="number">
            Members
          </th>
          <th scope="col">Listed</th>
        </tr>
      }
      row={({ name, members, private: closed }) => (
        <tr key={name}>
          <th scope="row" class="name">
            <bdi>{name}</bdi>
          </th>
          <td class="number">{count(members)}</td>
          <td>{closed ? "private" : "public"}</td>
        </tr>
      )}
    />
  );
}

export function Users() {
  return (
    <List<UserRow>
      title="Users"
      path="/api/users"
      empty="There is no account. One is made when somebody registers."
      head={
        <tr>
          <th scope="col">Account</th>
          <th scope="col" class="number">
            Sessions here
          </th>
        </tr>
      }
      row={({ name, sessions }) => (
        <tr key={name}>
          <th scope="row" class="name">
            <bdi>{name}</bdi>
          </th>
          <td class="number">{sessions === 0 ? <span class="faint">none</span> : count(sessions)}</td>
        </tr>
      )}
    />
  );
}
