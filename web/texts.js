// SPDX-License-Identifier: MIT
// Everything that a person reads, in both languages.
import { lang } from "./page.js";

const indicators = {
	places_total: ["托位总数", "Childcare places", ""],
	places_per_1000: ["千人口托位数", "Places per 1,000 residents", ""],
	enrolment_rate: ["入托率", "Enrolment rate", "%"],
	utilisation: ["托位使用率", "Use of places", "%"],
	inclusive_share: ["普惠托位占比", "Inclusive places", "%"],
	filing_rate: ["备案率", "Filed nurseries", "%"],
	disclosure_rate: ["信息公示率", "Nurseries that disclose", "%"],
	insured_rate: ["责任险覆盖率", "Insured nurseries", "%"],
	ratio_ok: ["师幼比达标率", "Carer ratio kept", "%"],
	incident_rate: ["事故率", "Incidents per 10,000 child-days", ""],
	severe_incidents: ["重大事件数", "Severe incidents", ""],
	late_report_rate: ["迟报率", "Incidents reported late", "%"],
	liability_accidents: ["安全责任事故数", "Liability accidents", ""],
	completeness: ["上报完整率", "Reports received", "%"],
	timeliness: ["上报及时率", "Reports in time", "%"],
	gap_places: ["托位缺口", "Places short of target", ""],
	satisfaction_family_policy: ["家庭满意度·政策", "Families: policy", "%"],
	satisfaction_family_service: ["家庭满意度·服务", "Families: service", "%"],
	satisfaction_institution_policy: ["机构满意度·政策", "Nurseries: policy", "%"],
	satisfaction_institution_service: ["机构满意度·服务", "Nurseries: service", "%"],
};

const words = {
	title: ["托育服务监测", "Childcare watch"],
	search: ["搜索城市", "Find a city"],
	province: ["省份", "Province"],
	allProvinces: ["全国", "All provinces"],
	units: ["城市", "Cities"],
	unit: ["城市", "City"],
	sites: ["机构", "nurseries"],
	provinceRow: ["全省", "Whole province"],
	alertsOf: ["预警", "Alerts"],
	nothingFound: ["没有符合的城市", "No city matches"],
	noData: ["暂无数据", "no data yet"],
	insufficient: ["数据不足", "too few data"],
	target: ["目标", "target"],
	by: ["期限", "by"],
	met: ["已达标", "met"],
	unmet: ["未达标", "not met"],
	provinceAverage: ["全省", "province"],
	above: ["高于全省", "above the province"],
	below: ["未高于全省", "not above the province"],
	better: ["优于全省", "better than the province"],
	worse: ["劣于全省", "worse than the province"],
	asOf: ["截至", "as of"],
	old: ["旧数据", "old"],
	back: ["返回列表", "All cities"],
	history: ["历史", "History"],
	daily: ["按日", "Days"],
	monthly: ["按月", "Months"],
	moved: ["较一周前的变化", "Moved since last week"],
	movedNote: ["昨日与一周前相比", "yesterday against a week earlier"],
	nothingMoved: ["没有变化", "Nothing moved"],
	noHistory: ["尚无历史数据", "No history yet"],
	openAlerts: ["未结预警", "Open alerts"],
	noAlerts: ["没有未结预警", "No open alerts"],
	provisional: ["线索，待核实", "provisional"],
	provisionalNote: ["仅为撤销命名的线索，须由主管部门核实决定", "Only a possible ground for revocation: the competent authorities decide"],
	unconfirmed: ["情况未明", "unconfirmed"],
	acknowledged: ["已确认接警", "acknowledged"],
	raised: ["发出", "raised"],
	toNext: ["转下一联系人", "next contact in"],
	toProvince: ["升级至省级", "to the province in"],
	toLevel: ["逐级上报时限", "report upwards within"],
	toConfirm: ["视为确认", "counts as confirmed in"],
	overdue: ["已超时", "overdue for"],
	newAlert: ["新预警", "New alert"],
	skip: ["跳到主要内容", "Skip to the content"],
	disconnected: ["已断开", "disconnected"],
	evening: ["18 点后统计", "counted from 18:00"],
	left: ["剩", ""],
	cases: ["撤销命名案件", "Revocation cases"],
	noCases: ["没有未结案件", "No open cases"],
	openCases: ["起未结案件", "open case(s)"],
	casesNeedRole: ["详情须持口令登录", "details need an officer’s token"],
	next: ["下一步", "next"],
	rejected: ["被拒报文", "Rejected messages"],
	rejectedNote: ["近 7 天，按原因", "last 7 days, by reason"],
	noRejected: ["近 7 天没有", "None in 7 days"],
	last: ["最近", "last"],
	daemon: ["系统状态", "The daemon"],
	ready: ["运行正常", "Ready"],
	notReady: ["未就绪", "Not ready"],
	broker: ["消息代理", "Broker"],
	connected: ["已连接", "connected"],
	away: ["未连接", "away"],
	store: ["存储", "Store"],
	writable: ["可写", "writable"],
	failed: ["不可写", "not writable"],
	shedding: ["磁盘将满，只保账本", "Disk nearly full: only the ledger is kept"],
	ledger: ["账本", "Ledger"],
	rows: ["行", "rows"],
	chain: ["哈希链", "Hash chain"],
	chainWhole: ["完整", "whole"],
	chainBroken: ["断裂于第", "broken at row"],
	chainChecking: ["检查中", "being checked"],
	lastData: ["最近数据", "Last row"],
	behind: ["指标滞后行数", "Rows not yet in the numbers"],
	live: ["实时", "live"],
	polling: ["每 4 秒更新", "every 4 s"],
	updated: ["更新于", "updated"],
	lost: ["连接已断开，以下为此时的旧数据：", "Connection lost. These numbers are old, from "],
	retrying: ["，正在重试", "; trying again"],
	neverAnswered: ["无法连接 nurseryd，正在重试", "nurseryd does not answer; trying again"],
	loading: ["载入中…", "Loading …"],
	token: ["口令", "Token"],
	useToken: ["使用", "Use"],
	language: ["English", "中文"],
	theme: ["切换明暗", "Light or dark"],
	dark: ["深色", "Dark"],
	light: ["浅色", "Light"],
	local: ["时间均为北京时间", "All times are Beijing’s"],
	ago: ["前", "ago"],
	page: ["报表字段", ""],
	otherReason: ["其他", "other"],
	designation: ["称号", "Title"],
	value: ["数值", "Value"],
	period: ["日期", "Period"],
	numbersOld: ["早于两天", "more than two days old"],
	missing: ["家缺报", "without reports"],
	stale: ["家数据陈旧", "with stale reports"],
};

const designations = {
	none: ["", ""], applied: ["已申报", "applied"], province_review: ["省级评审", "province review"],
	province_publicity: ["省级公示", "province publicity"], recommended: ["已推荐", "recommended"],
	national_review: ["国家评审", "national review"], national_publicity: ["国家公示", "national publicity"],
	named: ["示范城市", "Demonstration city"], recheck: ["复核中", "recheck"], revoked: ["已撤销", "revoked"],
	barred: ["暂停申报", "barred"], objection: ["有异议", "objection"], rejected: ["未通过", "rejected"],
};

const caseStates = {
	signal: ["线索", "signal"], acknowledged: ["已知悉", "acknowledged"], verifying: ["核实中", "verifying"], unsubstantiated: ["不属实", "unsubstantiated"],
	substantiated: ["属实", "substantiated"], reported: ["已上报", "reported"], national_review: ["国家复核", "national review"], retained: ["保留命名", "retained"],
	revoked: ["已撤销", "revoked"], published: ["已公布", "published"], barred: ["暂停申报", "barred"], restored: ["已恢复", "restored"], merged: ["已并案", "merged"],
};

const clocks = {
	nursery_to_county: ["报县级时限", "to the county within"], county_to_city: ["报市级时限", "to the city within"],
	city_to_province: ["报省级时限", "to the province within"], province_to_state_council: ["报国务院时限", "to the State Council within"],
	supplement: ["补报时限", "supplement within"],
};

const codes = {
	E_VERSION: ["版本不支持", "version"], E_TOPIC_MISMATCH: ["与主题不一致", "does not fit its topic"], E_SITE_ID: ["机构编号无效", "nursery id"],
	E_DIVISION: ["区划代码无效", "division"], E_SEQ_JUMP: ["序号跳跃", "sequence jump"], E_SEQ_REUSED: ["序号重复使用", "sequence reused"],
	E_TIME_FUTURE: ["时间在未来", "time in the future"], E_TIME_RANGE: ["日期超出范围", "day out of range"], E_REF: ["引用无效", "reference"],
	E_TOO_LARGE: ["过大", "too large"], E_JSON: ["不是有效 JSON", "not valid JSON"], E_TYPE: ["类型错误", "wrong type"], E_MISSING: ["缺少字段", "field missing"],
	E_RANGE: ["超出范围", "out of range"], E_FORMAT: ["格式错误", "wrong form"], E_ENUM: ["取值不在列表", "not in the list"],
	E_UNKNOWN_FIELD: ["未知字段", "unknown field"], E_SUM_MISMATCH: ["合计不符", "sums differ"], E_PII: ["含个人信息", "personal data"],
	E_FEED: ["未知报文类型", "unknown feed"], E_RATE: ["过于频繁", "too fast"],
};

const pick = (pair) => pair && (lang() === "zh" ? pair[0] : pair[1]);

export const t = (key) => pick(words[key]) ?? key;
export const indicatorName = (id) => pick(indicators[id]) || id;
export const percent = (id) => indicators[id]?.[2] || "";
export const isPercent = (id) => percent(id) === "%";
export const indicatorIds = Object.keys(indicators);
export const designationName = (status) => pick(designations[status]) ?? status;
export const caseStateName = (state) => pick(caseStates[state]) ?? state;
export const clockName = (id) => pick(clocks[id]) ?? t(id);
export const codeName = (code) => pick(codes[code]) || "";
