"""WeCom (企业微信): its callbacks, its conversation archive and its customers' groups, as events of loupan's own."""
