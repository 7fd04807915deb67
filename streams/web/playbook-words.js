// The words of the playbooks' page, beside those that it shares with the others.

import { language, learn, say } from "./speech.js";
import "./words-estate.js"; // roles and actions
import "./words.js";

learn({
  title: ["打法", "Playbooks"],
  back: ["← 流量地图", "← Flow map"],
  which: ["打法", "Playbook"],
  version: ["版本", "Version"],
  version_n: ["第 {n} 版", "Version {n}"],
  views: ["看什么", "View"],
  board: ["看板", "Board"],
  balance: ["均衡", "Balance"],
  diff: ["版本对比", "Versions"],
  print: ["打印", "Print"],
  stage: ["轮次", "Stage"],
  stage_days: ["第 {n} 轮 · {days} 天", "Stage {n} · {days} days"],
  roles: ["岗位", "Role"],
  facts: ["{for} · {days} 天 · {cards} 条话术 · 回复 {replies} 条 · 补救 {rescue} 条",
    "{for} · {days} days · {cards} scripts · {replies} replies · {rescue} rescue"],
  derived: ["改自 {base} 第 {version} 版", "from {base}, version {version}"],
  new_own: ["新盘自建群", "new estate, own group"], old_own: ["老小区自建群", "old estate, own group"],
  new_joined: ["新盘进业主群", "new estate, joined group"], old_joined: ["老小区进业主群", "old estate, joined group"],
  new_alliance: ["新盘联盟群", "new estate, alliance"], old_alliance: ["老小区联盟群", "old estate, alliance"],
  day_n: ["第 {n} 天", "Day {n}"],
  phase_days: ["{n} 天", "{n} days"],
  longest: ["最长 {n} 天", "at most {n}"],
  rescue: ["补救", "Rescue"],
  rescue_why: ["目标没到时加做", "where a gate is missed"],
  replies_n: ["回复 {n}", "{n} replies"],
  morning: ["早间", "Morning"], quiz: ["问答", "Quiz"], noon: ["午间", "Noon"], evening: ["傍晚", "Evening"],
  flash_sale: ["秒杀", "Flash sale"], night: ["夜间", "Night"],
  no_window: ["其他", "Other"],

  p_need: ["需求", "need"], p_value: ["价值", "value"], p_trust: ["信任", "trust"],
  p_benefit: ["利益", "benefit"], p_risk: ["风险", "risk"], p_threshold: ["门槛", "threshold"],
  s_need: ["需", "N"], s_value: ["值", "V"], s_trust: ["信", "T"], s_benefit: ["利", "B"], s_risk: ["险", "R"], s_threshold: ["槛", "H"],
  d_place: ["地缘", "place"], d_relation: ["关系", "relation"], d_interest: ["兴趣", "interest"],
  d_benefit: ["利益", "benefit"], d_event: ["事件", "event"], d_honour: ["荣誉", "honour"],
  formula: ["成交公式", "Formula"],
  drives: ["驱动力", "Drives"],
  z_estate: ["小区本身", "the estate itself"], z_unit_plan: ["户型通用方案", "a plan per unit type"],
  z_key_person_plan: ["一户自己的方案", "a key person's own plan"], z_deep_plan: ["深化方案", "a deep plan"],
  z_services: ["消除顾虑的服务", "services that take risk away"], z_group_buy: ["业主牵头的团购", "a group-buy that an owner leads"],
  z_own_topic: ["业主自己的话题", "an owner's own topic"], z_referrals: ["老客户带新邻居", "buyers who bring buyers"],
  scene: ["场景", "Scene"],
  when: ["时间", "When"],
  speaks: ["身份", "Speaks as"],
  rests_on: ["依据", "Rests on"],
  script: ["编号", "Script"],
  staff: ["店里员工", "staff"], buyer: ["老客户本人", "a buyer"], partner: ["合作伙伴", "a partner"],
  testimonial: ["本人已送达、未退款的「{product}」订单", "their own delivered order of {product}"],
  instead: ["没有这样的老客户时，改为真心请教", "Where no such buyer is: owners are asked instead"],
  preview: ["聊天预览", "As in the chat"],
  in_group: ["发在群里", "in the group"],
  in_private: ["一对一私聊", "to one person"],
  in_hand: ["不发消息，是要做的事", "nothing is sent: something to do"],
  on_mon: ["周一", "Mon"], on_tue: ["周二", "Tue"], on_wed: ["周三", "Wed"], on_thu: ["周四", "Thu"], on_fri: ["周五", "Fri"],
  on_sat: ["周六", "Sat"], on_sun: ["周日", "Sun"],
  minutes: ["{at} 起 {n} 分钟内", "from {at}, within {n} minutes"],
  after: ["{at} · 发出 {n} 分钟后", "{at} · {n} minutes after"],
  unfilled: ["{name} 要等经销商填好才有，先按原文显示", "{name} is filled in by the dealer; shown as written"],
  example: ["预览里的人名、门店和楼盘都是示例；正式发出时换成真实的人和店。",
    "People, shop and estate are examples; a task has the real ones."],

  sections: ["不分天的话术", "What has no day"],
  x_reactions: ["即时回应", "Answers to events"], x_recurring: ["固定节目", "What comes again"],
  x_knowledge: ["问答库", "Knowledge"], x_order: ["群规与进群", "Group order"],
  x_introductions: ["邻里介绍", "Introductions"], x_ask_first: ["优先邀请", "Asked first"],
  x_key_people: ["关键人七步", "Key people: seven steps"], x_fans: ["铁粉答谢", "Fans"], x_entry: ["进场", "The way in"],
  x_after_order: ["成交之后", "After the order"], x_design: ["方案评审", "Design review"],

  in_balance: ["每一天、每个阶段都均衡。", "Every day and every phase is in balance."],
  w_day_without: ["第 {stage} 轮第 {day} 天没有{parts}", "Stage {stage}, day {day} has no {parts}"],
  w_few_drives: ["第 {stage} 轮第 {day} 天用到的驱动力不足 {least} 种：{parts}",
    "Stage {stage}, day {day} uses fewer than {least} drives: {parts}"],
  w_stage_length: ["第 {stage} 轮有 {least} 天，应在 7 到 15 天之间", "Stage {stage} has {least} days; 7 to 15 are right"],
  w_phase_without: ["第 {stage} 轮「{phase}」没有照顾到{parts}", "Stage {stage}: {phase} does not cover {parts}"],
  w_scenes_left_out: ["哪一天都没有演到的场景：{parts}", "No day plays the scenes {parts}"],
  w_said_twice: ["第 {stage} 轮里两条话一字不差：{parts}", "Stage {stage} says the same twice: {parts}"],
  none: ["没有", "none"],
  day: ["天", "Day"],
  missing: ["缺", "none"],

  compare: ["对比", "Compared with"],
  changed: ["改了", "changed"], added: ["新增", "new"], gone: ["去掉", "gone"],
  outside: ["整体设置", "The playbook as a whole"],
  same: ["两版完全一样。", "Both say the same."],
  changes: ["共 {n} 处：改 {changed}，新增 {added}，去掉 {gone}",
    "{n} things: {changed} changed, {added} new, {gone} gone"],
  nothing_before: ["这份打法只有这一版，请在上面选一份来比。", "There is one version: choose above what to compare with."],
});

/** Words of a list, as a sentence has them. */
export const listed = (words) => words.join(language() === "en" ? ", " : "、");

// What a difference says in the playbook's own field names, in the reader's words.
const FIELDS = {
  title: "标题", category: "品类", at: "时间", role: "岗位", action: "动作", minutes: "时长", priority: "优先级", script: "话术",
  text: "文字", version: "版本", formula: "公式", drives: "驱动力", speaks_as: "身份", attachments: "附件", replies: "回复",
  after: "几分钟后", days: "天数", longest: "最长", aim: "目的", gate: "目标", limits: "上限", curfew: "静默时段", windows: "时段",
  offers: "优惠", terms: "内容", price: "价格", name: "名称", rescue: "补救", recurring: "固定节目", reactions: "即时回应",
  knowledge: "问答库", next: "下一轮", rest_days: "间歇天数", stage: "轮", day: "天", on: "遇到", kind: "种类", about: "关于",
  warm_up: "预热", trust: "信任", value: "价值", sign_up: "报名", closing: "成交", need: "需求", benefit: "利益", risk: "风险",
  threshold: "门槛", testimonial: "见证", instead: "替代", ladder: "关系阶梯", by: "依据", entry: "进场", order: "群规", members: "人数",
  active_share: "活跃比例", participants: "参与人数", interested: "有意向人数", key_people: "关键人", sign_ups: "报名数", orders: "订单数",
  weekdays: "星期", answer: "答案", place: "地缘", relation: "关系", interest: "兴趣", event: "事件", honour: "荣誉", staff: "店里员工", buyer: "老客户",
  scene: "场景", scenes: "场景", estate: "小区本身", unit_plan: "户型通用方案", key_person_plan: "一户自己的方案", deep_plan: "深化方案",
  services: "消除顾虑的服务", group_buy: "业主牵头的团购", own_topic: "业主自己的话题", referrals: "老客户带新邻居",
  partner: "合作伙伴", auto: "自动", ask: "等总部决定",
};
/** Fields whose values are words of the program, too. */
const NAMED = new Set(["formula", "drives", "role", "action", "speaks_as", "phases", "next", "every_day", "scene", "scenes"]);

/** A place or a field's name (`stage 1 · warm_up · day 2`, `script · text`) in the reader's language. */
export function fieldName(words) {
  if (language() === "en") return words;
  return words.split(" · ").map((part) => {
    const numbered = /^(stage|day) (\d+)$/.exec(part);
    if (numbered) return numbered[1] === "stage" ? `第 ${numbered[2]} 轮` : `第 ${numbered[2]} 天`;
    return Object.hasOwn(FIELDS, part) ? FIELDS[part] : part;
  }).join(" · ");
}

/** What a field's value says (`trust, risk → trust`): words of the program in the reader's language, texts as they are. */
export function fieldValue(name, value) {
  if (language() === "en" || !NAMED.has(name.split(" · ").at(-1))) return value;
  return value.replace(/[a-z_]+/g, (word) => (Object.hasOwn(FIELDS, word) ? FIELDS[word] : ROLES.has(word) ? say(word) : word));
}

const ROLES = new Set(["main_persona", "shill", "group_admin", "customer_service", "designer", "installer", "leader"]);
