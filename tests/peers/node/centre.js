// A centre made with the npm package "smpp": answers in hex, reports in decimal, tells what it saw as JSON lines.
// JSON lines on its input make it behave: {"reply": {...}}, {"throttle": 5}, {"hold": true}, {"unbind": true}, {"drop": true}.
const readline = require('readline');
const smpp = require('smpp');

const tell = (fact) => process.stdout.write(JSON.stringify(fact) + '\n');
const sessions = new Set();
const due = new Map(); // what is to be delivered, until it is acknowledged
let number = 254;
let deliveries = 0;
let toThrottle = 0;
let isHolding = false;

function deliver(fields) {
  due.set(++deliveries, fields);
  flush([deliveries]);
}

function flush(keys) {
  const session = [...sessions][0];
  if (!session || isHolding) return;
  keys.forEach((key) => session.deliver_sm(due.get(key), (answer) => {
    due.delete(key);
    tell({delivered: due.size, status: answer.command_status});
  }));
}

const receipt = (pdu, id) => deliver({
  esm_class: 4,
  source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr,
  dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
  short_message: `id:${id} sub:001 dlvrd:001 submit date:2611230640 done date:2611230641 stat:DELIVRD err:000 text:`,
  receipted_message_id: String(id),
  message_state: 2,
});

function submitted(session, pdu) {
  const refuse = (command_status) => session.send(pdu.response({command_status}));
  if (toThrottle > 0) {
    toThrottle -= 1;
    tell({throttled: pdu.destination_addr});
    refuse(smpp.ESME_RTHROTTLED);
    return;
  }
  const text = pdu.short_message;
  tell({
    submit: text.message, udh: text.udh ? text.udh.map((part) => part.toString('hex')) : null,
    from: pdu.source_addr, to: pdu.destination_addr, data_coding: pdu.data_coding, validity: pdu.validity_period,
  });
  if (pdu.destination_addr.endsWith('000')) {
    refuse(smpp.ESME_RINVDSTADR);
    return;
  }
  number += 1;
  session.send(pdu.response({message_id: number.toString(16)}));
  if (pdu.registered_delivery & 1) receipt(pdu, number);
}

const server = smpp.createServer((session) => {
  session.on('error', (error) => tell({error: String(error)}));
  session.on('close', () => { sessions.delete(session); tell({closed: true}); });
  const bind = (pdu) => {
    tell({bind: pdu.command, system_id: pdu.system_id, version: pdu.interface_version});
    if (pdu.password !== 'secret') {
      session.send(pdu.response({command_status: smpp.ESME_RINVPASWD}));
      return;
    }
    session.send(pdu.response({system_id: 'node', sc_interface_version: 0x50}));
    if (pdu.command !== 'bind_transmitter') sessions.add(session);
    flush([...due.keys()]);
  };
  ['bind_transmitter', 'bind_receiver', 'bind_transceiver'].forEach((name) => session.on(name, bind));
  session.on('submit_sm', (pdu) => submitted(session, pdu));
  session.on('enquire_link', (pdu) => { tell({probe: true}); session.send(pdu.response()); });
  session.on('unbind', (pdu) => { tell({unbind: true}); session.send(pdu.response()); session.close(); });
});

readline.createInterface({input: process.stdin}).on('line', (line) => {
  const order = JSON.parse(line);
  if (order.reply) deliver(order.reply);
  if (order.throttle) toThrottle = order.throttle;
  if ('hold' in order) { isHolding = order.hold; flush([...due.keys()]); }
  if (order.unbind) sessions.forEach((session) => session.unbind({}, () => { tell({unbound: true}); session.close(); }));
  if (order.drop) sessions.forEach((session) => session.destroy());
}).on('close', () => process.exit());
server.listen(0, '127.0.0.1', () => tell({port: server.address().port}));
