// Every word that the pages say, in one table. Chinese first; English for HQ's guests.

const TABLE = {
  title: ["楼盘流量地图", "Estate flow map"],
  playbooks: ["打法", "Playbooks"],
  toggle: ["EN", "中文"],
  toggle_label: ["Switch to English", "切换为中文"],
  simulated: ["模拟数据", "Simulated data"],
  live: ["实时", "Live"],
  waiting: ["重新连接中…", "Reconnecting…"],
  loading: ["正在读取…", "Loading…"],
  failed: ["暂时读不到数据，稍后会自动再试。", "The data can't be reached; trying again shortly."],
  signed_out: ["登录已失效，请重新打开登录链接。", "You are signed out: open your login link again."],
  forbidden: ["这个账号没有总部权限。", "This account has no access to HQ."],
  weekday: ["周日 周一 周二 周三 周四 周五 周六", "Sun Mon Tue Wed Thu Fri Sat"],

  worked: ["在营楼盘", "Estates worked"],
  worked_of: ["全部 {n}", "of {n}"],
  groups: ["业主群", "Groups"],
  groups_sub: ["平均每群 {n} 人", "{n} members each"],
  members: ["群成员", "Members"],
  members_sub: ["已定位到楼盘 {n}", "{n} placed"],
  tasks: ["完成任务", "Tasks done"],
  tasks_sub: ["下\u2060发\u00a0{issued} · 核\u2060实\u00a0{verified}", "of\u00a0{issued} · {verified}\u00a0verified"],
  orders: ["订单", "Orders"],
  orders_sub: ["目标 {n}", "target {n}"],
  events: ["事件", "Events"],
  events_sub: ["未能处理 {n}", "{n} dead letters"],

  phases: ["阶段", "Phases"],
  warm_up: ["预热", "Warm-up"],
  trust: ["信任", "Trust"],
  value: ["价值", "Value"],
  sign_up: ["报名", "Sign-up"],
  closing: ["成交", "Closing"],
  no_phase: ["未开始", "Not begun"],
  unworked: ["未开展", "Not worked"],
  store: ["门店", "Store"],
  size_households: ["圆点大小：户数（未知则按群成员）", "Dot size: households, or members where unknown"],
  all_dealers: ["全部经销商", "All dealers"],
  dealer: ["经销商", "Dealer"],
  campaigns: ["营销活动", "Campaigns"],
  search: ["搜索全部楼盘、经销商", "Search all estates, dealers"],
  sort: ["排序", "Sort"],
  by_phase: ["按阶段", "By phase"],
  by_dealer: ["按经销商", "By dealer"],
  by_orders: ["按订单", "By orders"],
  none_found: ["没有符合条件的楼盘。", "No estate matches."],
  others: ["未开展的楼盘", "Estates not worked"],
  n_households: ["{n} 户", "{n} households"],
  none_worked: ["还没有楼盘在营。", "No estate is worked yet."],
  more: ["再显示 {n} 个", "Show {n} more"],
  map_label: ["楼盘地图：方向键移动，加减号缩放，0 看全貌", "Map of estates: arrows move, plus and minus zoom, 0 fits"],
  zoom_in: ["放大", "Zoom in"],
  zoom_out: ["缩小", "Zoom out"],
  fit: ["看全貌", "Fit"],
  credit: [
    "楼盘坐标：lianjiaSpider（Apache-2.0）；行政区划：fast-\u2060geocn（MIT）",
    "Estates: lianjiaSpider (Apache-2.0); districts: fast-\u2060geocn (MIT)",
  ],

  close: ["关闭", "Close"],
  day_of: ["第 {day} 天 / 共 {days} 天", "Day {day} of {days}"],
  day_only: ["第 {day} 天", "Day {day}"],
  stage_n: ["第 {n} 轮", "Stage {n}"],
  running: ["进行中", "Running"],
  scheduled: ["待开始", "Scheduled"],
  paused: ["已暂停", "Paused"],
  ended: ["已结束", "Ended"],
  not_worked_yet: ["这个楼盘还没有人开展。", "Nobody works this estate yet."],
  households: ["户数", "Households"],
  active: ["活跃", "Active"],
  sign_ups: ["报名", "Sign-ups"],
  against_target: ["订单与目标", "Orders against target"],
  no_target: ["未设目标", "no target"],
  ladder: ["关系阶梯", "Relationship ladder"],
  stranger: ["陌生", "Stranger"],
  onlooker: ["围观", "Onlooker"],
  participant: ["参与", "Participant"],
  interested: ["有意向", "Interested"],
  prospective_buyer: ["准客户", "Prospect"],
  buyer: ["客户", "Buyer"],
  loyal_fan: ["铁粉", "Loyal fan"],
  spreader: ["传播者", "Spreader"],
  referrer: ["转介绍", "Referrer"],
  task_list: ["任务", "Tasks"],
  t_issued: ["待办", "To do"],
  t_claimed: ["已认领", "Claimed"],
  t_done: ["已完成", "Done"],
  t_verified: ["已核实", "Verified"],
  t_skipped: ["已跳过", "Skipped"],
  t_expired: ["过期", "Expired"],
  t_withdrawn: ["撤回", "Withdrawn"],
  timeline: ["动态", "Timeline"],
  no_timeline: ["还没有动态。", "Nothing yet."],

  e_phase: ["进入「{phase}」阶段，第 {day} 天", "Entered {phase}, day {day}"],
  e_gate: ["「{phase}」目标未达成，延长并补救", "{phase}: gate missed, extended"],
  e_entered: ["进场完成：第 {day} 天", "The way in led in, day {day}"],
  e_not_entered: ["进场的办法都走完了，还没有结果：请总部看看", "Every way in was gone, and none led in: HQ is asked"],
  e_behind: ["第 {day} 天落后：{measure} {actual}，同类群通常 {expected}；最弱的一环：{weakest}",
    "Day {day}, behind: {measure} {actual}, such groups usually have {expected}; weakest part: {weakest}"],
  m_participants: ["参与互动", "participants"], m_interested: ["有意向", "interested"],
  m_sign_ups: ["报名", "sign-ups"], m_orders: ["成交", "orders"],
  f_need: ["需求", "need"], f_value: ["价值", "value"], f_trust: ["信任", "trust"],
  f_benefit: ["利益", "benefit"], f_risk: ["风险", "risk"], f_threshold: ["门槛", "threshold"],
  e_goal: ["达成目标：{orders} / {target} 单", "Goal reached: {orders} of {target} orders"],
  e_stage: ["第 {n} 轮结束", "Stage {n} ended"],
  e_stage_next: ["第 {n} 轮结束，第 {next} 轮 {start} 开始", "Stage {n} ended, stage {next} begins on {start}"],
  e_playbook: ["打法换到第 {version} 版：原来那版已不在库里", "Played by version {version} from now on: the one before is gone"],
  e_playbook_gone: ["打法已不在库里，暂停派任务", "The playbook is gone: nothing is handed out"],
  e_placed: ["{n} 位成员定位到本楼盘", "{n} members placed here"],
  e_unplaced: ["{n} 位成员不再定位到本楼盘", "{n} members no longer placed here"],
  e_group: ["{n} 个群归到本楼盘", "{n} groups placed here"],
  e_rung: ["{n} 位成员成为「{rung}」", "{n} members became {rung}"],
  e_task: ["{role}{action} {n} 条：{status}", "{role}, {action} × {n}: {status}"],
  main_persona: ["主理人", "Main persona"],
  shill: ["家装顾问", "Consultant"],
  group_admin: ["群管理", "Group admin"],
  customer_service: ["客服", "Customer service"],
  designer: ["设计师", "Designer"],
  installer: ["安装师傅", "Installer"],
  leader: ["负责人", "Leader"],
  task: ["任务", "Task"],
  a_post: ["发帖", "post"],
  a_reply: ["回复", "reply"],
  a_welcome: ["欢迎", "welcome"],
  a_invite: ["邀请", "invite"],
  a_call: ["电话", "call"],
  a_visit: ["到访", "visit"],
  a_remove: ["移除", "remove"],
  a_warn: ["私下提醒", "warn"],
  a_review: ["检查", "review"],
  a_check: ["核对", "check"],
};

let column = 0;
try {
  column = localStorage.getItem("loupan.language") === "en" ? 1 : 0;
} catch {
  // storage may be shut off; the page then begins in Chinese
}

/** The word or sentence of that name, with `{gaps}` filled. */
export function say(name, gaps) {
  const text = TABLE[name]?.[column] ?? name;
  return gaps ? text.replace(/\{(\w+)\}/g, (_, gap) => String(gaps[gap] ?? "")) : text;
}

export const language = () => (column ? "en" : "zh-CN");

/** Turns the page to the other language; what the page drew itself is redrawn by `language` listeners. */
export function switchLanguage() {
  column = 1 - column;
  try {
    localStorage.setItem("loupan.language", column ? "en" : "zh");
  } catch {
    // as above
  }
  speak();
  dispatchEvent(new Event("language"));
}

/** Fills every element that names its words: data-say for the text, data-say-label for the spoken label. */
export function speak(root = document) {
  document.documentElement.lang = language();
  for (const el of root.querySelectorAll("[data-say]")) el.textContent = say(el.dataset.say);
  for (const el of root.querySelectorAll("[data-say-label]")) {
    el.setAttribute("aria-label", say(el.dataset.sayLabel));
    if (el.tagName === "BUTTON") el.title = say(el.dataset.sayLabel);
  }
  for (const el of root.querySelectorAll("[data-say-placeholder]")) el.placeholder = say(el.dataset.sayPlaceholder);
}

const plain = new Intl.NumberFormat("en-US");

/** 12345 → "12,345"; a number that isn't known is a dash. */
export const number = (n) => (Number.isFinite(n) ? plain.format(Math.round(n)) : "–");

export const PHASES = ["warm_up", "trust", "value", "sign_up", "closing"];
export const RUNGS = [
  "stranger", "onlooker", "participant", "interested", "prospective_buyer", "buyer", "loyal_fan", "spreader", "referrer",
];
export const STATUSES = ["issued", "claimed", "done", "verified", "skipped", "expired", "withdrawn"];
