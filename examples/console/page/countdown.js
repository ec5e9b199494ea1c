/** Seconds until a time; never less than 0. */
export function secondsUntil(time) {
  return Math.max(0, Math.ceil((time - Date.now()) / 1000));
}

/** Draws what is left of a span of milliseconds: a clock, and a bar below it. */
export function drawCountdown(name, endsAt, span) {
  const seconds = secondsUntil(endsAt);
  document.getElementById(name).textContent = clock(seconds, span);
  document.getElementById(`${name}-bar`).value = (seconds * 1000) / span;
}

/** A time span as a clock shows it: `23:59:48`, or `04:59` where it never was an hour. */
function clock(seconds, span) {
  const hours = span < 3_600_000 ? [] : [Math.floor(seconds / 3600)];
  const parts = [...hours, Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
