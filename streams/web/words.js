// The words that HQ's pages have beside the common ones.

import { learn } from "./speech.js";

learn({
  title: ["楼盘流量地图", "Estate flow map"],
  playbooks: ["打法", "Playbooks"],
  live: ["实时", "Live"],
  waiting: ["重新连接中…", "Reconnecting…"],
  failed: ["暂时读不到数据，稍后会自动再试。", "The data can't be reached; trying again shortly."],
  forbidden: ["这个账号没有总部权限。", "This account has no access to HQ."],

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
  credit_districts: ["行政区划：fast-\u2060geocn（MIT）", "Districts: fast-\u2060geocn (MIT)"],

  views: ["视图", "Views"],
  v_map: ["地图", "Map"],
  v_coverage: ["覆盖看板", "Coverage"],
  v_funnel: ["漏斗", "Funnel"],
  v_dealers: ["经销商", "Dealers"],
  theme: ["切换深色或浅色", "Dark or light"],
  city: ["城市", "City"],
  all_cities: ["全部城市", "All cities"],
  district: ["区县", "District"],
  households: ["户数", "Households"],
  coverage: ["覆盖", "Coverage"],
  all_coverages: ["全部覆盖", "Any coverage"],
  nobody: ["没人管", "Nobody"],
  idle: ["有盘不动", "Has it, does nothing"],
  "group, no operation": ["有群不运营", "Group, no operation"],
  category: ["品类", "Category"],
  all_categories: ["全部品类", "All categories"],
  whole_house: ["全屋定制", "Whole house"], tiles: ["瓷砖", "Tiles"], appliances: ["家电", "Appliances"], wooden_door: ["木门", "Wooden doors"],

  layers: ["图层", "Layers"],
  l_serve: ["门店 → 楼盘", "Store → estate"],
  l_sell: ["楼盘 → 订单", "Estate → orders"],
  l_past: ["历史", "History"],
  l_png: ["导出图片", "PNG"],
  l_print: ["打印", "Print"],
  k_over: ["已结束或暂停", "Ended or paused"],

  day_only: ["第 {day} 天", "Day {day}"],
  running: ["进行中", "Running"],
  scheduled: ["待开始", "Scheduled"],
  paused: ["已暂停", "Paused"],
  ended: ["已结束", "Ended"],
  against_target: ["订单与目标", "Orders against target"],
});

const plain = new Intl.NumberFormat("en-US");

/** 12345 → "12,345"; a number that isn't known is a dash. */
export const number = (n) => (Number.isFinite(n) ? plain.format(Math.round(n)) : "–");

export const PHASES = ["warm_up", "trust", "value", "sign_up", "closing"];
