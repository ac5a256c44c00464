// A centre made with the npm package "smpp": answers in hex, reports in decimal, tells what it saw as JSON lines.
const smpp = require('smpp');

const tell = (fact) => process.stdout.write(JSON.stringify(fact) + '\n');
let number = 254;

function receipt(session, pdu, id) {
  session.deliver_sm({
    esm_class: 4,
    source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr,
    dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2611230640 done date:2611230641 stat:DELIVRD err:000 text:`,
    receipted_message_id: String(id),
    message_state: 2,
  }, (answer) => tell({receipt: id, status: answer.command_status}));
}

const server = smpp.createServer((session) => {
  session.on('error', (error) => tell({error: String(error)}));
  const bind = (pdu) => {
    tell({bind: pdu.command, system_id: pdu.system_id, version: pdu.interface_version});
    if (pdu.password !== 'secret') {
      session.send(pdu.response({command_status: smpp.ESME_RINVPASWD}));
      return;
    }
    session.send(pdu.response({system_id: 'node', sc_interface_version: 0x50}));
  };
  ['bind_transmitter', 'bind_receiver', 'bind_transceiver'].forEach((name) => session.on(name, bind));
  session.on('submit_sm', (pdu) => {
    const text = pdu.short_message;
    tell({
      submit: text.message, udh: text.udh ? text.udh.map((part) => part.toString('hex')) : null,
      from: pdu.source_addr, to: pdu.destination_addr, data_coding: pdu.data_coding, validity: pdu.validity_period,
    });
    if (pdu.destination_addr.endsWith('000')) {
      session.send(pdu.response({command_status: smpp.ESME_RINVDSTADR}));
      return;
    }
    number += 1;
    session.send(pdu.response({message_id: number.toString(16)}));
    if (pdu.registered_delivery & 1) receipt(session, pdu, number);
  });
  session.on('enquire_link', (pdu) => { tell({probe: true}); session.send(pdu.response()); });
  session.on('unbind', (pdu) => { tell({unbind: true}); session.send(pdu.response()); session.close(); });
});
server.listen(0, '127.0.0.1', () => tell({port: server.address().port}));
