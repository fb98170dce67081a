// The place of a loudspeaker by a tap on the outline map, or from the phone itself. Typing it needs no script.
"use strict";
(() => {
  const field = document.querySelector("[data-place-field]");
  const here = document.querySelector("[data-place-here]");
  if (!field || !here) return;
  const said = document.getElementById("place-said");
  const put = (lat, lon) => {
    field.value = `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };

  // --- a tap: from the screen to the picture, and by its frame to degrees ---
  document.addEventListener("click", (event) => {
    const map = event.target.closest("[data-frame]");
    if (!map) return;
    const screen = map.querySelector("svg").getScreenCTM();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(screen.inverse());
    const [west, north, scale, narrowing, left, top] = map.dataset.frame.split(" ").map(Number);
    said.textContent = "";
    put(north - (at.y - top) / scale, west + (at.x - left) / (narrowing * scale));
  });

  // --- the phone ---
  here.addEventListener("click", () => {
    if (!window.isSecureContext || !navigator.geolocation) {
      said.textContent = here.dataset.insecure;
      return;
    }
    said.textContent = here.dataset.asking;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        said.textContent = here.dataset.found.replace("{n}", Math.round(coords.accuracy));
        put(coords.latitude, coords.longitude);
      },
      (error) => {
        said.textContent = error.code === error.PERMISSION_DENIED ? here.dataset.denied : here.dataset.lost;
      },
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 0 },
    );
  });
})();
