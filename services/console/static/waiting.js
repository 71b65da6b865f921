// Entries of this person that wait on this device for a page that is not open: they go out from every page, one page's
// after the other, and the page says so.
import { formToken } from "./console.js";
import { Queue } from "./queue.js";
import { words } from "./words.js";

const { sessionKey, afterUnlock } = document.body.dataset;
const line = document.createElement("p");
Object.assign(line, { id: "waiting", className: "caution", hidden: true });
line.setAttribute("role", "status");

const show = (text) => {
  line.textContent = text;
  line.hidden = !text;
};
const refused = []; // what was told stays told
const next = () => {
  // A visit is closed after its steps: "room" goes before "finish".
  const address = Queue.waiting(sessionKey).sort().at(-1);
  if (!address) return;
  let trouble = "";
  const tell = () => {
    const count = queue.entries.length;
    show([count && words("waiting", { n: count }), count && trouble, ...refused].filter(Boolean).join(" "));
  };
  const queue = new Queue({
    person: sessionKey,
    address,
    token: formToken,
    onChange: tell,
    onStored: (entry, text, left) => { if (!left) next(); },
    onRefused: (entry, text, again) => {
      const reason = new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
      if (again) trouble = reason;
      else refused.push(`${words("not_stored")}${address} ${reason}`);
      tell();
      if (!again && !queue.entries.length) next();
    },
  });
  tell();
  queue.send();
};

// The page's own queue, if it has one, is there by now.
addEventListener("load", () => {
  if (!sessionKey || afterUnlock || !Queue.waiting(sessionKey).length) return;
  document.getElementById("main").prepend(line);
  next();
});
