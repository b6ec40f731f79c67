// English and Chinese.
const WORDS = {
  en: {
    skip: "Skip to content", nav: "Pages", wall: "Wall", alerts: "Alerts", system: "System",
    high: "High", medium: "Medium", low: "Low", none: "Calm", unknown: "Unknown", pending: "Judging",
    offline: "Offline", online: "Online", degraded: "Unsteady", stopped: "Stopped", opening: "Opening",
    live: "Live", connecting: "Connecting", disconnected: "No connection",
    framesPerS: "frames/s", verdictsPerS: "verdicts/s", p95: "P95 to verdict", keys: "keys", lag: "lag",
    cameras: "Cameras", onlineOf: (n, m) => `${n} of ${m} online`, addCamera: "Add camera",
    tileSize: "Tile size", small: "S", mediumSize: "M", large: "L",
    show: "Show", all: "All", atRisk: "At risk", open: "To do", noCameras: "No cameras yet. Add one by its address.",
    nothingAtRisk: "Nothing at risk right now.",
    noAlerts: "No alerts here.", noAlertsHint: "Medium and high risks appear here as they are judged.",
    acknowledge: "Acknowledge", acknowledged: "Acknowledged", ongoing: "Ongoing", over: "Over", nowLevel: (l) => `Now ${l.toLowerCase()}`, course: "Course", anyCourse: "Ongoing and over", sure: (p) => `${p} sure`, seen: (n, s) => `seen ${n}×, ${s}`,
    age: (t) => t, noPicture: "No picture yet", retrying: "Tried again by itself",
    language: "中文", languageTitle: "切换到中文", dark: "Dark theme", light: "Light theme",
    back: "Wall", groups: "Groups in this frame", noGroups: "Nobody is close to anybody.", carried: (n) => `judged ${n} s before, not asked again`, rateSkipped: "Not asked: the camera has had its calls for this minute", objects: (n) => `${n} road users`,
    verdicts: "Recent verdicts", time: "Time", risk: "Risk", latency: "To verdict", said: "What was seen",
    timeline: "Risk over the last verdicts", latencyChart: "Capture to verdict", source: "Source", status: "Status", frame: "Frame", model: "Models",
    remove: "Remove camera", removeSure: (n) => `Stop ${n} and take it off the wall?`, cancel: "Cancel", add: "Add", id: "Id", name: "Name", address: "Address",
    addressHint: "rtsp, rtsps, http, https or synthetic://junction?seed=9", gone: "This camera is not on the list.",
    level: "Risk", camera: "Camera", state: "State", allCameras: "All cameras", allLevels: "All levels", anyState: "To do and done", page: (n, m) => `Page ${n} of ${m}`, older: "Older", newer: "Newer", noneFound: "No alerts match.",
    checks: "Health", ok: "OK", degraded: "Degraded", down: "Down", warning: "Attention", kafka: "Kafka", redis: "Redis", keysCheck: "Keys", disk: "Disk", memory: "Memory",
    kafkaDetail: (f) => `${f.behind} messages behind, answered in ${f.answeredMs} ms`, redisDetail: (f) => `${f.usedMb} MB used, answered in ${f.answeredMs} ms`,
    keysDetail: (f) => `${f.available} of ${f.total} available, ${f.cooling} cooling, ${f.disabled} disabled${f.instances ? "" : "; no scheduler is running"}`,
    diskDetail: (f) => `${f.freeGb} GB free for state_dir`, memoryDetail: (f) => `${f.freeGb} GB free (${f.freePercent} %), this process ${f.ownMb} MB`,
    pool: "Key pool", availableOf: (n, m) => `${n} of ${m} available`, key: "Key", available: "Available", cooling: "Cooling", disabled: "Disabled", calls: "Calls", success: "Success", inFlight: "In flight", leftInMinute: "Left this minute", limitsAlone: "Redis away: each scheduler keeps its share", noKeys: "No scheduler has reported its keys yet.",
    lagTitle: "Consumer lag", group: "Group", behind: "Messages behind", noLag: "No consumer group has committed yet.", throughput: "Frames a second", verdictRate: "Verdicts a second",
    login: "This wall is protected", token: "Token", logIn: "Log in", tokenHint: "serving.token in config/serving.yaml", unreachable: "The server does not answer.",
    alertSaid: (l, c, d) => `${l} risk at ${c}. ${d}`, s: "s", min: "min", hr: "h",
    car: "car", person: "person", truck: "truck", bus: "bus", bicycle: "bicycle", motorcycle: "motorcycle",
    detection: "detection", tasks: "tasks", scheduling: "scheduling", aggregation: "aggregation", api: "api",
  },
  zh: {
    skip: "跳到正文", nav: "页面", wall: "监控墙", alerts: "告警", system: "系统",
    high: "高风险", medium: "中风险", low: "低风险", none: "正常", unknown: "未知", pending: "研判中",
    offline: "离线", online: "在线", degraded: "不稳定", stopped: "已停止", opening: "正在打开",
    live: "实时", connecting: "连接中", disconnected: "连接断开",
    framesPerS: "帧/秒", verdictsPerS: "研判/秒", p95: "P95 出结果", keys: "密钥", lag: "积压",
    cameras: "摄像头", onlineOf: (n, m) => `${n} / ${m} 在线`, addCamera: "添加摄像头",
    tileSize: "画面大小", small: "小", mediumSize: "中", large: "大",
    show: "显示", all: "全部", atRisk: "有风险", open: "待处理", noCameras: "还没有摄像头，请按地址添加。",
    nothingAtRisk: "目前没有风险。",
    noAlerts: "这里没有告警。", noAlertsHint: "中、高风险一经研判即显示在这里。",
    acknowledge: "确认", acknowledged: "已确认", ongoing: "进行中", over: "已结束", nowLevel: (l) => `现为${l}`, course: "进程", anyCourse: "全部进程", sure: (p) => `置信度 ${p}`, seen: (n, s) => `出现 ${n} 次，${s}`,
    age: (t) => t, noPicture: "暂无画面", retrying: "系统会自动重试",
    language: "EN", languageTitle: "Switch to English", dark: "深色主题", light: "浅色主题",
    back: "监控墙", groups: "本帧群组", noGroups: "没有彼此靠近的交通参与者。", carried: (n) => `沿用 ${n} 秒前的研判`, rateSkipped: "未研判：该摄像头本分钟的调用次数已用完", objects: (n) => `${n} 个目标`,
    verdicts: "最近研判", time: "时间", risk: "风险", latency: "耗时", said: "描述",
    timeline: "最近研判的风险", latencyChart: "采集到出结果", source: "来源", status: "状态", frame: "画面", model: "模型",
    remove: "移除摄像头", removeSure: (n) => `停止 ${n} 并从监控墙移除？`, cancel: "取消", add: "添加", id: "编号", name: "名称", address: "地址",
    addressHint: "rtsp、rtsps、http、https 或 synthetic://junction?seed=9", gone: "列表中没有这个摄像头。",
    level: "风险", camera: "摄像头", state: "状态", allCameras: "全部摄像头", allLevels: "全部等级", anyState: "全部状态", page: (n, m) => `第 ${n} / ${m} 页`, older: "更早", newer: "更新", noneFound: "没有符合条件的告警。",
    checks: "健康状况", ok: "正常", degraded: "降级", down: "故障", warning: "注意", kafka: "Kafka", redis: "Redis", keysCheck: "密钥", disk: "磁盘", memory: "内存",
    kafkaDetail: (f) => `积压 ${f.behind} 条，应答 ${f.answeredMs} 毫秒`, redisDetail: (f) => `已用 ${f.usedMb} MB，应答 ${f.answeredMs} 毫秒`,
    keysDetail: (f) => `${f.available} / ${f.total} 可用，冷却中 ${f.cooling}，已停用 ${f.disabled}${f.instances ? "" : "；没有调度器在运行"}`,
    diskDetail: (f) => `state_dir 可用 ${f.freeGb} GB`, memoryDetail: (f) => `可用 ${f.freeGb} GB（${f.freePercent} %），本进程 ${f.ownMb} MB`,
    pool: "密钥池", availableOf: (n, m) => `${n} / ${m} 可用`, key: "密钥", available: "可用", cooling: "冷却中", disabled: "已停用", calls: "调用", success: "成功率", inFlight: "进行中", leftInMinute: "本分钟剩余", limitsAlone: "Redis 不可用：各调度器按份额调用", noKeys: "调度器尚未上报密钥。",
    lagTitle: "消费积压", group: "消费组", behind: "未处理消息", noLag: "尚无消费组提交位移。", throughput: "每秒帧数", verdictRate: "每秒研判",
    login: "此监控墙需要登录", token: "令牌", logIn: "登录", tokenHint: "config/serving.yaml 中的 serving.token", unreachable: "服务器没有响应。",
    alertSaid: (l, c, d) => `${c}：${l}。${d}`, s: "秒", min: "分", hr: "小时",
    car: "轿车", person: "行人", truck: "卡车", bus: "公交车", bicycle: "自行车", motorcycle: "摩托车",
    detection: "检测", tasks: "任务", scheduling: "调度", aggregation: "聚合", api: "接口",
  },
};

// The descriptions' language, if the server was told one; else the browser's.
let language =
  remembered("language") ??
  document.documentElement.dataset.language ??
  (navigator.language.startsWith("zh") ? "zh" : "en");

export function t(name, ...args) {
  const word = WORDS[language][name] ?? name;
  return typeof word === "function" ? word(...args) : word;
}

export function currentLanguage() {
  return language;
}

export function setLanguage(next) {
  language = next;
  remember("language", next);
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
}

export function remembered(name) {
  try {
    return localStorage.getItem(`trafficmon.${name}`);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`trafficmon.${name}`, value);
  } catch {
    // Private windows may refuse; the choice then lasts until the page is closed.
  }
}
