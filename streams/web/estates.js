// My estates: phase, day, orders against the target; and the nearest that nobody works.

import { get } from "./api.js";
import { make } from "./dom.js";
import { say } from "./speech.js";

export class View {
  /** `act`: path(name). */
  constructor(host, act) {
    this.host = host;
    this.act = act;
    this.answer = null;
    addEventListener("language", () => this.draw());
  }

  async look() {
    if (!this.answer) this.host.replaceChildren(make("p", { cls: "nothing", text: say("loading") }));
    this.answer = await get(this.act.path("estates"));
    this.draw();
  }

  draw() {
    if (!this.answer) return;
    const { estates, near, near_m: metres } = this.answer;
    this.host.replaceChildren(
      estates.length ? make("div", { cls: "cards list" }, ...estates.map(card)) : make("p", { cls: "nothing", text: say("none_estates") }),
      near.length ? make(
        "section", { cls: "near" },
        make("h2", { text: say("near", { km: metres / 1000 }) }), make("p", { cls: "soft", text: say("near_note") }),
        make("ul", {}, ...near.map(line))) : "",
    );
  }
}

function card(estate) {
  const where = estate.phase ? `${say(estate.phase)} ${say("day_of", { day: estate.day, days: estate.days ?? "–" })}` : say(estate.status ?? "no_campaign");
  const size = [
    estate.district, estate.households ? say("households", { n: estate.households }) : null,
    say("n_groups", { n: estate.groups }), estate.members ? say("members", { n: estate.members }) : null,
    estate.phase && estate.status === "paused" ? say("paused") : null,
  ].filter(Boolean);
  return make(
    "article", { cls: "card estate-card" },
    make("h2", { text: estate.name }),
    make("p", { cls: "stand" }, make("i", { cls: "dot", attrs: { "data-phase": estate.phase ?? "no_phase" } }), make("span", { text: where })),
    make("p", { cls: "soft", text: size.join(" · ") }),
    estate.status ? progress(estate) : null,
  );
}

/** Orders against the target. */
function progress({ orders, target_orders: target, phase }) {
  const words = target ? say("orders", { orders: orders ?? 0, target }) : say("orders_only", { orders: orders ?? 0 });
  const fill = make("i", { cls: "fill", attrs: { "data-phase": phase ?? "no_phase" } });
  fill.style.transform = `scaleX(${target ? Math.min((orders ?? 0) / target, 1) : 0})`;
  return make("div", { cls: "reached" }, make("p", { text: words }), target ? make("span", { cls: "track", attrs: { "aria-hidden": "true" } }, fill) : null);
}

function line(estate) {
  const away = estate.distance_m < 1000 ? say("away_m", { n: estate.distance_m }) : say("away", { n: (estate.distance_m / 1000).toFixed(1) });
  const about = [estate.district, estate.households ? say("households", { n: estate.households }) : null, estate.address].filter(Boolean);
  return make("li", {}, make("p", {}, make("strong", { text: estate.name }), make("span", { cls: "away", text: away })), make("p", { cls: "soft", text: about.join(" · ") }));
}
