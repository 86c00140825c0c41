import { render } from 'preact'
import { App } from './app.js'
import { connect } from './connection.js'
import './style.css'

connect()
render(<App />, document.getElementById('app')!)
