// A customer made with the npm package "smpp". It is told what to do by JSON lines and tells what comes by JSON lines.
// It binds again when its link is lost, and submits again what was refused for its pace.
const readline = require('readline');
const smpp = require('smpp');

const AGAIN_MS = 200;
const [port, system_id, password] = process.argv.slice(2);
const tell = (fact) => process.stdout.write(JSON.stringify(fact) + '\n');
const waiting = [];
let session = null;
let isBound = false;
let isEnding = false;

function connect() {
  session = smpp.connect({url: `smpp://127.0.0.1:${port}`});
  session.on('error', (error) => tell({error: String(error)}));
  session.on('close', () => {
    isBound = false;
    if (!isEnding) setTimeout(connect, AGAIN_MS);
  });
  session.on('unbind', (pdu) => { tell({told_to_unbind: true}); session.send(pdu.response()); session.close(); });
  session.on('enquire_link', (pdu) => { tell({probed: true}); session.send(pdu.response()); });
  session.on('deliver_sm', (pdu) => {
    const text = pdu.short_message;
    tell({
      deliver: text.message, udh: text.udh ? text.udh.map((part) => part.toString('hex')) : null,
      esm_class: pdu.esm_class, from: pdu.source_addr, to: pdu.destination_addr,
      id: pdu.receipted_message_id, state: pdu.message_state,
    });
    session.send(pdu.response());
  });
  session.on('connect', () => session.bind_transceiver(
    {system_id, password, interface_version: 0x50},
    (answer) => {
      tell({bound: answer.command_status, system_id: answer.system_id, version: answer.sc_interface_version});
      isBound = answer.command_status === 0;
      if (isBound) waiting.splice(0).forEach(act);
    },
  ));
}

function submit(fields) {
  const {short_message: text = ''} = fields;
  const short_message = text.udh ? {...text, udh: Buffer.from(text.udh, 'hex')} : text;
  session.submit_sm({...fields, short_message}, (answer) => {
    tell({answer: answer.command_status, id: answer.message_id, to: fields.destination_addr});
    if (answer.command_status === smpp.ESME_RTHROTTLED) setTimeout(() => act({submit: fields}), AGAIN_MS);
  });
}

function act(order) {
  if (!isBound) {
    waiting.push(order);
  } else if (order.submit) {
    submit(order.submit);
  } else if (order.query) {
    session.query_sm({message_id: order.query}, (answer) =>
      tell({queried: answer.message_id, state: answer.message_state, status: answer.command_status}));
  } else if (order.probe) {
    session.enquire_link({}, (answer) => tell({probe: answer.command_status}));
  }
}

readline.createInterface({input: process.stdin})
  .on('line', (line) => act(JSON.parse(line)))
  .on('close', () => {
    isEnding = true;
    if (!isBound) process.exit();
    session.unbind({}, (answer) => { tell({unbound: answer.command_status}); session.close(); });
  });
connect();
