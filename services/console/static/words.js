// The texts that scripts need, from the page: they are in the one catalogue with all others.
const texts = JSON.parse(document.getElementById("words").textContent);

export const words = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
