// A customer made with the npm package "smpp": submits what it is given as JSON, tells what comes back as JSON lines.
const smpp = require('smpp');

const [port, texts] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const tell = (fact) => process.stdout.write(JSON.stringify(fact) + '\n');

const session = smpp.connect({url: `smpp://127.0.0.1:${port}`});
session.on('error', (error) => tell({error: String(error)}));
session.on('deliver_sm', (pdu) => {
  tell({deliver: pdu.short_message.message, id: pdu.receipted_message_id, state: pdu.message_state, esm_class: pdu.esm_class});
  session.send(pdu.response());
});
session.on('connect', () => {
  session.bind_transceiver({system_id: 'user', password: 'secret', interface_version: 0x50}, (answer) => {
    tell({bound: answer.command_status, system_id: answer.system_id, version: answer.sc_interface_version});
    texts.forEach(([text, coding]) => session.submit_sm({
      source_addr_ton: 5, source_addr: 'NODE', dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '33612345678',
      registered_delivery: 1, data_coding: coding, short_message: text, user_message_reference: 7,
    }, (reply) => tell({answer: reply.command_status, id: reply.message_id})));
    session.enquire_link({}, (reply) => tell({probe: reply.command_status}));
  });
});
process.stdin.on('end', () => session.unbind({}, (reply) => { tell({unbound: reply.command_status}); session.close(); }));
process.stdin.resume();
