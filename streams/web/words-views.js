// The words of the views beside the map: learnt when the first of them is opened.

import { learn } from "./speech.js";

learn({
  "nobody_sub": ["没有经销商，15 公里内也没有门店", "no dealer, and no store within 15 km"],
  "idle_sub": ["附近有门店，却没有群", "a store is near, and there is no group"],
  "group, no operation_sub": ["有群，但没有在营的活动", "a group, and no campaign at work"],
  "worked_sub": ["有群，有活动", "a group and a campaign"],
  unknown_households: ["户数未知", "households unknown"],
  n_estates: ["{n} 个楼盘", "{n} estates"],
  sum_households: ["共 {n} 户", "{n} households"],
  board_empty: ["没有", "None"],
  board_title: ["覆盖看板", "Coverage"],
  board_lead: ["谁在做、谁没做：每个楼盘在哪一栏，按户数从多到少。", "Who works what: every estate in its column, most households first."],

  funnel_title: ["引流 → 转化 → 复购 → 裂变", "Attract → convert → repeat → refer"],
  stage_members: ["引流", "Attract"], stage_buyers: ["转化", "Convert"], stage_repeat: ["复购", "Repeat"], stage_referrers: ["裂变", "Refer"],
  stage_members_sub: ["群成员", "group members"], stage_buyers_sub: ["已成交的业主", "owners who bought"],
  stage_repeat_sub: ["买过两单以上", "bought twice or more"], stage_referrers_sub: ["带来新邻居", "brought in neighbours"],
  of_before: ["占上一步 {share}", "{share} of the step before"],
  by_city: ["按城市", "By city"], by_estate: ["按楼盘", "By estate"], by_group: ["按群", "By group"],
  c_members: ["群成员", "Members"], c_active: ["参与", "Active"], c_interested: ["有意向", "Interested"],
  c_prospective: ["准客户", "Prospects"], c_buyers: ["客户", "Buyers"], c_repeat: ["复购", "Repeat"], c_referrers: ["裂变", "Referrers"],
  c_share: ["成交率", "Buyers’ share"],
  c_city: ["城市", "City"], c_dealer: ["经销商", "Dealer"], c_estate: ["楼盘", "Estate"], c_group: ["群", "Group"],

  dealers_title: ["经销商", "Dealers"],
  dealers_lead: ["楼盘：有群的，或门店最近（15 公里内）的。按时：时间已过的任务里，在时限内完成的占比。",
    "Estates: with a group, or nearest to a store within 15 km. On time: of the tasks whose time is over, the share done in it."],
  d_estates: ["楼盘", "Estates"], d_idle: ["闲置", "Idle"], d_groups: ["群", "Groups"], d_worked: ["在营", "Worked"],
  d_members: ["成员", "Members"], d_issued: ["下发任务", "Tasks issued"], d_done: ["完成", "Done"], d_verified: ["核实", "Verified"],
  d_on_time: ["按时", "On time"], d_orders: ["订单", "Orders"], d_target: ["目标", "Target"], d_behind: ["落后", "Behind"],
  total: ["合计", "Total"],
  csv: ["导出 CSV", "Export CSV"],
  n_rows: ["{n} 行", "{n} rows"],
});
