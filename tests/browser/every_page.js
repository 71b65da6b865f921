// What a page looks like to other eyes and to fingers, measured in the page itself. Each function returns faults in words, or values.
({
  // --- finding one's way in a page ------------------------------------------------------------------------------------
  named: (e) => `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : ""}.${[...e.classList].join(".")} "${(e.getAttribute("aria-label") || e.textContent || e.value || "").trim().replace(/\s+/g, " ").slice(0, 40)}"`,
  shown(e) {
    return e.checkVisibility({ visibilityProperty: true }) && !e.closest(".unseen, .skip, svg.body") && !(innerWidth <= 640 && e.closest(".stacked thead"));
  },
  controls() {
    return [...document.querySelectorAll("button, a[href], select, input:not([type=hidden]), textarea, summary, svg.bar")].filter((e) => this.shown(e));
  },
  // What stays in place while the rest scrolls lies over other things on purpose.
  afloat(e) {
    for (let p = e; p; p = p.parentElement) if (/sticky|fixed/.test(getComputedStyle(p).position)) return p;
    return null;
  },
  // What of a box its ancestors let be seen.
  seen(box, e) {
    let { left, top, right, bottom } = box;
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(p);
      if (overflowX === "visible" && overflowY === "visible") continue;
      const q = p.getBoundingClientRect();
      left = Math.max(left, q.left); top = Math.max(top, q.top); right = Math.min(right, q.right); bottom = Math.min(bottom, q.bottom);
    }
    return right > left && bottom > top ? { left, top, right, bottom } : null;
  },

  // --- size: nothing cut off, nothing on top of something else, no text under 13 px --------------------------------------
  geometry() {
    const faults = new Set();
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) faults.add(`the page scrolls sideways by ${wide}`);
    const boxes = this.controls().flatMap((e) => {
      const area = e.closest("label.choice") || e;
      return [...area.getClientRects()].map((q) => this.seen(q, area)).filter(Boolean).map((q) => ({ e, area, q, afloat: this.afloat(e) }));
    });
    boxes.forEach((one, place) => {
      for (const other of boxes.slice(place + 1)) {
        if (one.afloat !== other.afloat || one.area.contains(other.area) || other.area.contains(one.area)) continue;
        const x = Math.min(one.q.right, other.q.right) - Math.max(one.q.left, other.q.left);
        const y = Math.min(one.q.bottom, other.q.bottom) - Math.max(one.q.top, other.q.top);
        if (x > 2 && y > 2) faults.add(`${this.named(one.e)} lies on ${this.named(other.e)}`);
      }
      const card = one.area.parentElement.closest(".card, .step, .caution, .stop, .comment, .slot, .left-out");
      if (!card || this.afloat(card) !== one.afloat || getComputedStyle(one.area).position === "absolute") return;
      for (let p = one.area.parentElement; p !== card.parentElement; p = p.parentElement) if (/auto|scroll/.test(getComputedStyle(p).overflowX)) return;
      const q = one.area.getBoundingClientRect(), c = card.getBoundingClientRect();
      if (q.left < c.left - 1 || q.right > c.right + 1) faults.add(`${this.named(one.e)} sticks out of its card`);
    });
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());) {
      const e = node.parentElement;
      // The stretches below the timeline are said again by its label.
      if (!node.data.trim() || e.closest("script, template, style, option, .stretches") || !this.shown(e)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const rects = [...range.getClientRects()].filter((q) => q.width > 0.5);
      const size = parseFloat(getComputedStyle(e).fontSize) * (e.closest("svg")?.getScreenCTM().a ?? 1);
      if (rects.length && size < 12.95) faults.add(`${this.named(e)} is ${size.toFixed(1)} px small`);
      const control = e.closest("button, .button, .choice span, .chip, .side")?.getBoundingClientRect();
      if (control && rects.some((q) => q.left < control.left - 1 || q.right > control.right + 1 || q.top < control.top - 3 || q.bottom > control.bottom + 3)) faults.add(`the text of ${this.named(e)} is larger than its control`);
      let scrolls = false;
      for (let p = e; p && p !== document.body && !scrolls; p = p.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(p);
        scrolls = /auto|scroll/.test(overflowX + overflowY);
        if (scrolls || !/hidden|clip/.test(overflowX + overflowY)) continue;
        const c = p.getBoundingClientRect();
        if (rects.some((q) => q.left < c.left - 1 || q.right > c.right + 1 || q.top < c.top - 1 || q.bottom > c.bottom + 1)) faults.add(`"${node.data.trim().slice(0, 40)}" is cut off by ${this.named(p)}`);
      }
      if (!scrolls && rects.some((q) => q.right > innerWidth + 1 || q.left < -1)) faults.add(`"${node.data.trim().slice(0, 40)}" is outside the window`);
    }
    return [...faults];
  },
  // WCAG 1.4.12: the reader's own spacing. A sheet that was made by a script needs no exception from the policy.
  spaced(on) {
    const sheet = new CSSStyleSheet();
    if (on) sheet.replaceSync("*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}p{margin-bottom:2em!important}");
    document.adoptedStyleSheets = [sheet];
  },

  // --- order: what a page is called and how it is divided ------------------------------------------------------------------
  order() {
    const faults = [];
    const count = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility()).length;
    if (document.documentElement.lang !== "en") faults.push("no language");
    for (const [selector, name] of [["h1", "heading of the page"], ["main", "main part"], ["body > header", "header"]]) if (count(selector) !== 1) faults.push(`${count(selector)} × ${name}`);
    let level = 1;
    for (const heading of document.querySelectorAll("main :is(h1,h2,h3,h4)")) {
      if (!heading.checkVisibility()) continue;
      const next = Number(heading.tagName[1]);
      if (next > level + 1) faults.push(`${this.named(heading)} comes after a heading of level ${level}`);
      level = next;
    }
    if (document.querySelector("a[href], button, input, select, textarea, summary") !== document.querySelector("a.skip[href='#main']")) faults.push("the skip link is not first");
    return faults;
  },

  // --- without colour --------------------------------------------------------------------------------------------------
  grey() {
    const faults = [];
    const borders = { LEFT: "dashed", RIGHT: "solid", MIDLINE: "dotted" };
    for (const badge of document.querySelectorAll(".side, .side-pick")) {
      if (this.shown(badge) && borders[badge.textContent.trim()] !== getComputedStyle(badge).borderTopStyle) faults.push(`${this.named(badge)} has the border of another side`);
    }
    for (const mark of document.querySelectorAll(".level-mark")) if (this.shown(mark) && !/[a-z]/i.test(mark.parentElement.textContent)) faults.push(`${this.named(mark)} has no word`);
    for (const host of document.querySelectorAll(".chart-column")) {
      if (!host.checkVisibility()) continue;
      const marked = [...host.querySelectorAll(".region[class*=mark-]")];
      if (marked.length !== host.querySelectorAll(".sign").length) faults.push("a finding without a sign");
      for (const region of marked) if (region.getAttribute("aria-label").split(", ").length < 3) faults.push(`${region.id} does not say its finding`);
    }
    for (const row of document.querySelectorAll(".review-change, .check")) if (!row.querySelector("b")?.textContent.trim()) faults.push(`${this.named(row)} has no sign`);
    return faults;
  },

  // --- colours of the device -----------------------------------------------------------------------------------------------
  forced() {
    const faults = [];
    const lined = (e, style = getComputedStyle(e)) => ["Top", "Left"].every((edge) => parseFloat(style[`border${edge}Width`]) > 0 && style[`border${edge}Style`] !== "none");
    for (const e of document.querySelectorAll("button, .button, select, textarea, input:not([type=hidden], [type=radio], [type=checkbox]), .choice span")) {
      if (this.shown(e) && !lined(e)) faults.push(`${this.named(e)} has no border`);
    }
    for (const e of document.querySelectorAll("button[aria-pressed=true], .button[aria-current], .choice input:checked + span")) {
      if (this.shown(e) && getComputedStyle(e).borderTopStyle !== "double") faults.push(`${this.named(e)} does not look chosen`);
    }
    for (const e of document.querySelectorAll(".step.here, .block.here")) if (getComputedStyle(e).outlineStyle !== "solid") faults.push(`${this.named(e)} does not look chosen`);
    for (const svg of document.querySelectorAll("svg.body")) {
      if (!svg.checkVisibility()) continue;
      const paper = getComputedStyle(svg.parentElement);
      if (paper.forcedColorAdjust !== "none" || paper.backgroundColor !== "rgb(251, 250, 247)") faults.push("the chart lost its paper");
      for (const region of svg.querySelectorAll(".region")) {
        const { stroke, fill, strokeWidth } = getComputedStyle(region);
        if (stroke === "none" || stroke === fill || parseFloat(strokeWidth) < 1) faults.push(`${region.id} has no outline`);
      }
      for (const text of svg.querySelectorAll("text")) if (getComputedStyle(text).forcedColorAdjust !== "none") faults.push("a number of the chart takes the colour of the device");
      const words = [...svg.parentElement.querySelectorAll(".edge")].map((edge) => edge.checkVisibility() && edge.textContent).join();
      if (!["LEFT,RIGHT", "RIGHT,LEFT", "BACK,FRONT", "FRONT,BACK"].includes(words)) faults.push(`the edges of the chart say ${words}`);
    }
    return faults;
  },

  // --- movement --------------------------------------------------------------------------------------------------------------
  moving() {
    const smooth = [...document.querySelectorAll("*")].filter((e) => getComputedStyle(e).scrollBehavior === "smooth").map((e) => this.named(e));
    return [...smooth, ...document.getAnimations().map((each) => `${each.constructor.name} of ${this.named(each.effect.target)}`)];
  },

  // --- fingers, and what every page says ---------------------------------------------------------------------------------------
  small() {
    return [...document.querySelectorAll("button, a.button, select, input:not([type=hidden]), summary, textarea")]
      .filter((e) => e.checkVisibility() && !e.closest(".skip, .unseen"))
      .filter((e) => {
        const { width, height } = (e.closest("label.choice, label.tick") || e).getBoundingClientRect();
        return width && (width < 44 || height < 44) && !(height >= 24 && width > 200);
      })
      .map((e) => `${this.named(e)} is too small for a finger`);
  },
  notice() {
    const notice = document.querySelector(".notice");
    if (!notice?.checkVisibility() || !notice.textContent.includes("Not clinically reviewed")) return ["the review notice is not there"];
    return [...notice.querySelectorAll("button, a, input")].map((e) => `${this.named(e)} is in the review notice`);
  },

  // --- paper -------------------------------------------------------------------------------------------------------------------
  printed() {
    const faults = [];
    const notice = document.querySelector(".notice");
    const box = notice?.getBoundingClientRect();
    if (!notice?.checkVisibility() || box.height < 10) faults.push("no review notice");
    for (const e of document.querySelectorAll("button, .button")) if (this.shown(e)) faults.push(`${this.named(e)} is on the paper`);
    for (const e of document.querySelectorAll("h1, h2, p, li, td")) {
      const [red, green, blue] = getComputedStyle(e).color.match(/[\d.]+/g).map(Number);
      if (this.shown(e) && e.textContent.trim() && red + green + blue > 390) faults.push(`${this.named(e)} is too light for paper`);
    }
    return [...new Set(faults)];
  },
})
