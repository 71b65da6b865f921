// Entries on their way to the server. Each is kept on this device under an id until the server has answered for it; the
// server takes an id once, however often it is sent. So nothing is lost when the network drops, and nothing doubles.
const PREFIX = "myoplan.queue", FIRST_WAIT = 500;

export class Queue {
  static open = new Set(); // the queues that this page has

  // For which addresses entries of a person wait without a queue on this page.
  static waiting(person) {
    const begin = `${PREFIX}:${person}:`;
    return Object.keys(localStorage).filter((key) => key.startsWith(begin) && !Queue.open.has(key)).map((key) => key.slice(begin.length));
  }

  // `person`: clinic/person. `address`: what the entries are for. `onChange`: something was added, sent or refused.
  constructor({ person, address, token, onChange, onStored, onRefused }) {
    Object.assign(this, { token, onChange, onStored, onRefused });
    this.person = person;
    this.key = `${PREFIX}:${person}:${address}`;
    Queue.open.add(this.key);
    this.sending = false;
    this.wait = FIRST_WAIT;
    addEventListener("online", () => this.send());
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") this.send(); });
    addEventListener("storage", (event) => { if (event.key === this.key) this.onChange(); });
    document.addEventListener("myoplan:open", () => this.send());
  }

  get entries() {
    try { return JSON.parse(localStorage.getItem(this.key) || "[]"); } catch { return []; }
  }

  // Whether the entries wait because nothing answers.
  get isAway() { return !navigator.onLine || this.wait > FIRST_WAIT; }

  keep(entries) {
    if (entries.length) localStorage.setItem(this.key, JSON.stringify(entries));
    else localStorage.removeItem(this.key);
    this.onChange();
  }

  // How many entries of other people wait on this device for the same client; they are theirs to send.
  get others() {
    let count = 0;
    for (let n = 0; n < localStorage.length; n += 1) {
      const key = localStorage.key(n);
      if (key.startsWith(`${PREFIX}:`) && !key.startsWith(`${PREFIX}:${this.person}:`)) {
        try { count += JSON.parse(localStorage.getItem(key)).length; } catch { /* not ours to read */ }
      }
    }
    return count;
  }

  add(address, fields) {
    const id = crypto.randomUUID();
    this.keep([...this.entries, { id, address, fields }]);
    this.send();
    return id;
  }

  // Takes back the newest entry if nothing was sent of it yet. Says whether it could.
  takeBack() {
    const entries = this.entries;
    const last = entries.at(-1);
    if (!last || last.tried) return false;
    this.keep(entries.slice(0, -1));
    return true;
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    try {
      // Two tabs send one after the other: the order of taps holds.
      if (navigator.locks) await navigator.locks.request(this.key, () => this.sendAll());
      else await this.sendAll();
    } finally { this.sending = false; }
  }

  // After signing in anew, the page holds the form token of a session that is over. Says whether there is a new one for
  // the same person; entries of somebody else are never sent under the name of who is signed in now.
  async renew() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const { sessionKey, formToken } = new DOMParser().parseFromString(await answer.text(), "text/html").body.dataset;
    if (!answer.ok || sessionKey !== this.person) return false;
    document.body.dataset.formToken = formToken;
    return true;
  }

  async sendAll() {
    let renewed = false;
    for (let entry = this.entries[0]; entry; entry = this.entries[0]) {
      if (!entry.tried) this.keep(this.entries.map((each) => (each.id === entry.id ? { ...each, tried: true } : each)));
      let answer;
      try {
        answer = await fetch(entry.address, {
          method: "POST",
          headers: { "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" },
          body: new URLSearchParams({ ...entry.fields, entry: entry.id, form_token: this.token() }),
          redirect: "error",
        });
      } catch { this.later(); return; }
      if (answer.status === 423) { document.dispatchEvent(new CustomEvent("myoplan:locked")); return; }
      if (answer.status === 401) { this.onRefused(entry, await answer.text(), true); return; }
      if ([429, 500, 502, 503, 504].includes(answer.status)) { this.onRefused(null, await answer.text(), true); this.later(); return; }
      let text;
      try {
        text = await answer.text();
        if (answer.status === 403 && text.includes('data-problem="forged"')) {
          renewed = !renewed && (await this.renew());
          if (renewed) continue;
          this.onRefused(entry, text, true);
          return;
        }
      } catch { this.later(); return; }
      this.wait = FIRST_WAIT;
      this.keep(this.entries.filter((each) => each.id !== entry.id));
      if (answer.ok) this.onStored(entry, text, this.entries.length);
      else this.onRefused(entry, text, false);
    }
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), this.wait);
    this.wait = Math.min(this.wait * 2, 15000);
    this.onChange();
  }
}
