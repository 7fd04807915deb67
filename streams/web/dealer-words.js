// Every word that the dealers' pages say, in one table. Chinese first; English one tap away.

const TABLE = {
  title: ["今日任务", "Today's tasks"],
  toggle: ["EN", "中文"],
  toggle_label: ["Switch to English", "切换为中文"],
  simulated: ["模拟数据", "Simulated data"],
  weekday: ["周日 周一 周二 周三 周四 周五 周六", "Sun Mon Tue Wed Thu Fri Sat"],
  date: ["{month}月{day}日 {weekday}", "{weekday} {month}/{day}"],
  hq: ["总部", "HQ"],
  skip_to: ["跳到任务", "Skip to the tasks"],

  tabs: ["页面", "Views"],
  today: ["今天", "Today"],
  tomorrow: ["明天", "Tomorrow"],
  groups: ["我的群", "Groups"],
  estates: ["我的楼盘", "Estates"],
  by_group: ["按群筛选", "Filter by group"],
  by_persona: ["按人设筛选", "Filter by persona"],
  all_groups: ["全部群", "All groups"],
  all_personas: ["全部人设", "All personas"],

  w_early: ["早间", "Morning"],
  w_quiz: ["上午问答", "Quiz"],
  w_noon: ["午间", "Noon"],
  w_afternoon: ["下午", "Afternoon"],
  w_evening: ["傍晚", "Evening"],
  w_bargain: ["团购", "Group-buy"],
  w_sale: ["秒杀", "Flash sale"],
  w_show: ["晚场", "Late"],
  w_night: ["晚间", "Night"],
  late: ["逾期未做", "Overdue"],
  missed: ["今天已过期", "Expired today"],
  past: ["今天已过的时段", "Earlier today"],
  now: ["现在", "Now"],
  n_items: ["{n} 项", "{n}"],
  ring: ["今天完成 {done} 项，共 {all} 项，其中已核实 {sure} 项", "{done} of {all} done today, {sure} verified"],
  loading: ["正在读取…", "Loading…"],
  none_filtered: ["这个筛选下没有任务。", "No task passes this filter."],
  none_today: ["今天还没有任务。", "No tasks yet today."],
  none_running: ["今天还没有任务，有了会马上出现在这里。", "No tasks yet today; they appear here at once."],
  none_scheduled: ["活动还没有开始，开始后每天下发任务。", "The campaign has not begun; then there are tasks every day."],
  none_paused: ["活动已暂停，恢复后再下发任务。", "The campaign is paused; tasks come when it goes on."],
  none_ended: ["活动已全部结束，不会再有新任务。", "All campaigns have ended: no new tasks will come."],
  none_worked: ["还没有开展活动的楼盘。", "No estate is being worked."],
  print_day: ["打印今天的简报", "Print today's brief"],

  net_waiting: ["网络不好：{n} 条待送出，已保存在手机上", "Weak network: {n} to be sent, kept on this phone"],
  net_offline: ["网络不好，正在重新连接…", "Weak network, reconnecting…"],
  net_kept: ["没有网络：这是上次保存的任务（{date}）", "No network: the list as last kept ({date})"],
  signed_out: ["登录已失效，请重新打开登录链接。", "You are signed out: open your login link again."],
  sign_in: ["重新登录", "Sign in again"],
  forbidden: ["这个账号看不了任务。", "This account sees no tasks."],
  kept: ["网络不好：已存在手机上，联网后自动送出", "Weak network: kept on this phone, sent later"],
  all_sent: ["刚才待送出的都已送出", "All that waited is sent"],
  unreachable: ["网络不通，稍后再看。", "No network: look again later."],
  update: ["页面有新版本", "A new version is here"],
  update_now: ["更新", "Update"],

  s_issued: ["待办", "To do"],
  s_claimed: ["已认领", "Claimed"],
  s_done: ["已完成", "Done"],
  s_verified: ["已核实", "Verified"],
  s_skipped: ["已跳过", "Skipped"],
  s_expired: ["过期", "Expired"],
  s_withdrawn: ["撤回", "Withdrawn"],
  pending: ["待送出", "To be sent"],
  main_persona: ["主理人", "Main persona"],
  shill: ["家装顾问", "Consultant"],
  group_admin: ["群管理", "Group admin"],
  customer_service: ["客服", "Customer service"],
  designer: ["设计师", "Designer"],
  installer: ["安装师傅", "Installer"],
  leader: ["负责人", "Leader"],
  buyer_role: ["老客户", "Customer"],
  a_post: ["发到群里", "Post"],
  a_reply: ["回复", "Reply"],
  a_welcome: ["欢迎新邻居", "Welcome"],
  a_invite: ["邀请", "Invite"],
  a_call: ["打电话", "Call"],
  a_visit: ["上门或到店", "Visit"],
  a_remove: ["移出群", "Remove"],
  a_review: ["检查", "Review"],
  a_check: ["核对", "Check"],
  a_warn: ["私下提醒", "Warn in private"],

  disclosure: ["署名随文发出，请勿删去", "Sent with the text: please leave it in"],
  copy: ["复制文案", "Copy text"],
  copied: ["已复制", "Copied"],
  copy_done: ["文案已复制，去群里粘贴", "Copied: paste it in the group"],
  copy_failed: ["复制不了，请长按文案选中", "Can't copy: press the text long to select it"],
  done: ["完成", "Done"],
  sure: ["确认已完成", "Yes, it is done"],
  back: ["还没有", "Not yet"],
  too_early: ["还没到时间", "Too early"],
  why: ["为什么让我做这个？", "Why this task?"],
  claim: ["认领", "Claim"],
  skip: ["跳过", "Skip"],
  skip_why: ["为什么跳过？", "Why skip it?"],
  skip_timing: ["群里时机不合适", "Wrong moment in the group"],
  skip_said: ["已经有人说过了", "Somebody said it already"],
  skip_unfit: ["内容不适合这个群", "Does not fit this group"],
  skip_refused: ["对方已谢绝", "They declined"],
  other_reason: ["其他原因", "Another reason"],
  looking: ["正在查…", "Looking it up…"],
  rests_on: ["依据的订单：{order}", "Rests on order {order}"],
  script: ["文案：{name}，第 {version} 版", "Text: {name}, version {version}"],
  because: ["{what}：{text}", "{what}: {text}"],
  unfold: ["{task}：展开", "{task}: open"],
  save: ["保存图片", "Save picture"],
  save_file: ["保存文件", "Save file"],
  hold: ["长按图片也可以保存", "Or press the picture long to save it"],
  said_claim: ["已认领", "Claimed"],
  said_done: ["已记为完成，等群消息核实", "Noted as done; to be seen in the group"],
  said_skip: ["已跳过", "Skipped"],

  foreseen: ["预告", "Preview"],
  handed_out: ["已安排", "Planned"],
  ahead: ["{date}：预计 {n} 条", "{date}: about {n} tasks"],
  ahead_note: ["明早正式下发。预告按现在的情况推算，文案可能会变，还不能标记。", "Handed out in the morning. A preview may change, and can't be marked yet."],
  none_ahead: ["明天还看不到任务。", "Nothing can be foreseen for tomorrow."],
  stand: ["{phase}第 {day} 天", "{phase}, day {day}"],
  outside: ["群外", "Outside"],

  warm_up: ["预热期", "Warm-up"],
  trust: ["信任期", "Trust"],
  value: ["价值期", "Value"],
  sign_up: ["报名期", "Sign-up"],
  closing: ["成交期", "Closing"],
  day_of: ["第 {day} 天 / 共 {days} 天", "day {day} of {days}"],
  scheduled: ["待开始", "To begin"],
  paused: ["已暂停", "Paused"],
  ended: ["已结束", "Ended"],
  running: ["进行中", "Running"],
  no_campaign: ["还没有活动", "No campaign"],
  no_estate: ["还不知道是哪个小区", "Estate not known yet"],
  closed: ["群主不让我们发", "Closed to us"],
  mood: ["心情：{word}", "Mood: {word}"],
  mood_empty: ["还没有人", "Empty"],
  mood_upset: ["有情绪", "Upset"],
  mood_warm: ["热络", "Lively"],
  mood_calm: ["平稳", "Calm"],
  mood_cool: ["冷清", "Quiet"],
  spoke: ["近三天 {n} 人说话", "{n} spoke in three days"],
  praised: ["夸过 {n}", "{n} praised"],
  complained: ["抱怨过 {n}", "{n} complained"],
  opted_out: ["不想收消息 {n}", "{n} want no messages"],
  members: ["{n} 人", "{n} members"],
  n_groups: ["{n} 个群", "{n} groups"],
  ladder: ["成员走到哪一步", "Members by step"],
  r_stranger: ["还没说话", "Silent"],
  r_participant: ["说过话", "Spoke"],
  r_interested: ["有意向", "Interested"],
  r_prospective_buyer: ["准客户", "Prospects"],
  r_buyer: ["客户", "Buyers"],
  next: ["下一条", "Next"],
  no_next: ["眼下没有待办", "Nothing due"],
  show_tasks: ["看这个群今天的任务", "This group's tasks today"],
  none_groups: ["还没有群。", "No groups yet."],
  none_estates: ["还没有在做的楼盘。", "No estate is worked yet."],
  orders: ["订单 {orders} / 目标 {target}", "{orders} of {target} orders"],
  orders_only: ["订单 {orders}，没有设目标", "{orders} orders, no target"],
  near: ["门店 {km} 公里内，还没有人做", "Within {km} km of the shop, worked by nobody"],
  near_note: ["想做哪个小区，跟总部说一声。", "Tell HQ which one you would like to work."],
  households: ["{n} 户", "{n} households"],
  away: ["{n} 公里", "{n} km"],
  away_m: ["{n} 米", "{n} m"],

  brief: ["任务简报", "Brief of the day"],
  brief_of: ["{dealer} · {date}", "{dealer} · {date}"],
  print: ["打印", "Print"],
  brief_none: ["这一天没有任务。", "No tasks on this day."],
  brief_foot: ["做完打勾；署名请随文发出。文案以手机上最新的为准。", "Tick what is done; send the disclosure along. The phone has the latest texts."],
  brief_all: ["全天 {n} 条", "{n} tasks"],
  back_to: ["回到任务", "Back to the tasks"],
};

const KEY = "loupan.language";

/** Two languages from one table, name → [Chinese, English]; what a page drew itself hears "language" when they turn. */
function speech(table) {
  let column = 0;
  try {
    column = localStorage.getItem(KEY) === "en" ? 1 : 0;
  } catch {
    // storage may be shut off; the page then begins in Chinese
  }

  /** The word or sentence of that name, with `{gaps}` filled. */
  function say(name, gaps) {
    const text = table[name]?.[column] ?? name;
    return gaps ? text.replace(/\{(\w+)\}/g, (_, gap) => String(gaps[gap] ?? "")) : text;
  }

  const language = () => (column ? "en" : "zh-CN");

  /** Fills every element that names its words: data-say for the text, data-say-label for the spoken label. */
  function speak(root = document) {
    document.documentElement.lang = language();
    for (const el of root.querySelectorAll("[data-say]")) el.textContent = say(el.dataset.say);
    for (const el of root.querySelectorAll("[data-say-label]")) el.setAttribute("aria-label", say(el.dataset.sayLabel));
  }

  /** Turns the page to the other language; what a page drew itself, it draws anew when it hears "language". */
  function switchLanguage() {
    column = 1 - column;
    try {
      localStorage.setItem(KEY, column ? "en" : "zh");
    } catch {
      // as above
    }
    speak();
    dispatchEvent(new Event("language"));
  }

  return { say, language, speak, switchLanguage };
}

export const { say, language, speak, switchLanguage } = speech(TABLE);

/** "3月5日 周四" of a date whose UTC fields read as the clock on the wall. */
export function dateOf(wall) {
  const weekday = say("weekday").split(" ")[wall.getUTCDay()];
  return say("date", { month: wall.getUTCMonth() + 1, day: wall.getUTCDate(), weekday });
}

/** As what a persona speaks: who testifies with an order of their own, and signs for no shop, is a customer. */
// What is foreseen names no order; but who posts without a disclosure is a customer there, too.
const isBuyer = (task) => task.role === "shill" && !task.disclosure && (task.evidence?.order_id || (task.foreseen && task.action === "post"));
export const roleOf = (task) => say(isBuyer(task) ? "buyer_role" : task.role);
export const actionOf = (task) => say(`a_${task.action}`);
/** Role and name, as one knows a persona. */
export const personaOf = (task) => [roleOf(task), task.persona_name].filter(Boolean).join(" ");
