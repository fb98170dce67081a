// Leads the one name of the tests to the loopback, for requests that Playwright makes outside of the browser.
const dns = require("dns");

const led = (host) => (host === process.env.LOA_TEST_HOST ? "127.0.0.1" : host);
const { lookup } = dns;
const { lookup: promised } = dns.promises;
dns.lookup = (host, ...rest) => lookup(led(host), ...rest);
dns.promises.lookup = (host, ...rest) => promised(led(host), ...rest);
