// What a page whose parts are replaced does with a refusal: where the answer is the page as it is now, it is shown too;
// any other is said on top of `place`. `id` is the part that such an answer holds.
export const showRefusals = (id, place) => {
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if ([409, 422].includes(xhr.status) && xhr.responseText.includes(`id="${id}"`)) Object.assign(event.detail, { shouldSwap: true, isError: false });
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    const text = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").body.textContent.trim();
    document.getElementById("told")?.remove();
    const told = document.createElement("div");
    Object.assign(told, { id: "told", className: "stop", tabIndex: -1, textContent: text });
    told.setAttribute("role", "alert");
    document.querySelector(place)?.prepend(told);
    told.focus();
  });
};
